package server

import (
	"log/slog"
	"strings"
	"sync"
	"time"
)

// errorLogInterval is the time in which errors of connections add at most two lines
// to the log.
const errorLogInterval = time.Minute

// maxLoggedError is the size in bytes of what the log has of an error: TLS quotes names of
// protocols that a client made up.
const maxLoggedError = 512

// errorLog logs the errors of connections. Clients cause them at will, so it logs
// the first one at once, and those of the time after it as one line with their
// number.
type errorLog struct {
	logger *slog.Logger

	mutex sync.Mutex
	timer *time.Timer // nil if the next error is logged at once
	count int         // of the errors since the last line
	last  string      // the last of them
}

// Write logs an error, as the output of a log.Logger.
func (l *errorLog) Write(line []byte) (int, error) {
	l.log(strings.TrimSuffix(string(line), "\n"))
	return len(line), nil
}

func (l *errorLog) log(message string) {
	if len(message) > maxLoggedError {
		message = message[:maxLoggedError] + "..."
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.timer != nil {
		l.count++
		l.last = message
		return
	}
	l.logger.Warn(message)
	l.timer = time.AfterFunc(errorLogInterval, l.flush)
}

// flush logs the number of errors since the last line, if there are any.
func (l *errorLog) flush() {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.count == 0 {
		l.timer = nil
		return
	}
	l.logger.Warn("more errors of connections", "count", l.count, "last", l.last)
	l.count = 0
	l.timer.Reset(errorLogInterval)
}
