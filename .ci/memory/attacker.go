package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// attack is what a number of clients do at the same time.
type attack struct {
	name    string
	clients int
	talks   func() []talk // client i has talk i modulo their number
	ramp    time.Duration // in which the clients connect; over TLS, twice that
	holds   time.Duration // how long the attack lasts once they have

	// pause is the mean time until a client whose connection has ended connects
	// again. If it is zero, the client stays away.
	pause time.Duration

	descriptors int // that the service may open; 0: as many as this process
}

// talk is what a client does on a connection.
type talk struct {
	text string // that it sends
	bare bool   // below TLS, without a handshake

	// then does what follows, and returns when the client is done with the connection.
	// The service may have closed it.
	then func(connection)
}

// connection is a client's. The two are the same without TLS.
type connection struct {
	net.Conn
	tcp *net.TCPConn
}

// untilClosed reads until the service closes the connection.
func untilClosed(c connection) { io.Copy(io.Discard, c.tcp) }

// untilAnswered reads until something arrives, or the service closes the connection.
// After a handshake of TLS 1.2, only an answer can arrive.
func untilAnswered(c connection) { c.tcp.Read(make([]byte, 1)) }

// isServed reads the status of the answer, and reports whether it is not an error of the
// server, such as 503.
func isServed(c connection) bool {
	status := make([]byte, len("HTTP/1.1 200"))
	_, err := io.ReadFull(c, status)
	return err == nil && status[len("HTTP/1.1 ")] != '5'
}

// unlessRefused stays and reads no more of the answer than its status.
func unlessRefused(c connection) {
	if isServed(c) {
		select {}
	}
}

// abort resets the connection when the answer begins to arrive.
func abort(c connection) {
	untilAnswered(c)
	c.tcp.SetLinger(0)
}

// patientRamp is how much longer than the ramp the clients may take to connect on a
// slow machine.
const patientRamp = 15 * time.Second

// partSize is how many clients one process runs. It keeps them below common limits on
// descriptors.
const partSize = 5000

// parts returns the number of processes that run the clients.
func (a attack) parts() int { return (a.clients + partSize - 1) / partSize }

// encounter is what the clients have met.
type encounter struct {
	Reached                  int64 // clients that could connect
	Connected, Failed, Ended int64 // connections: in all, before the client was done, and by the service
}

func (e encounter) plus(other encounter) encounter {
	return encounter{e.Reached + other.Reached, e.Connected + other.Connected, e.Failed + other.Failed, e.Ended + other.Ended}
}

func (e encounter) String() string {
	return fmt.Sprintf("%d clients, %d connections, %d failed, %d ended", e.Reached, e.Connected, e.Failed, e.Ended)
}

// attacker is a part of the clients of an attack.
type attacker struct {
	attack
	address string
	config  *tls.Config // nil: plain HTTP
	talks   []talk

	reached, connected, failed, ended atomic.Int64 // see encounter
}

// run attacks the service at address with a part of the clients, and prints what they
// have met.
func (a attack) run(ctx context.Context, address string, secure bool, part int) error {
	attacker := &attacker{attack: a, address: address, talks: a.talks()}
	if secure {
		attacker.config = insecure()
		attacker.ramp *= 2 // for the handshakes: the attack is not on the processor
	}
	clients := int64(0)
	for i := part; i < a.clients; i += a.parts() {
		clients++
		go attacker.client(ctx, i)
	}
	for deadline := time.Now().Add(attacker.ramp + patientRamp); attacker.reached.Load() < clients && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
	time.Sleep(a.holds)
	return json.NewEncoder(os.Stdout).Encode(encounter{attacker.reached.Load(), attacker.connected.Load(), attacker.failed.Load(), attacker.ended.Load()})
}

// insecure is the configuration of clients that trust any service. They resume
// sessions of TLS 1.2, because that takes both sides the least time.
func insecure() *tls.Config {
	return &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12, ClientSessionCache: tls.NewLRUClientSessionCache(1)}
}

// client is client i.
func (a *attacker) client(ctx context.Context, i int) {
	time.Sleep(a.ramp * time.Duration(i) / time.Duration(a.clients))
	reach := sync.OnceFunc(func() { a.reached.Add(1) })
	for {
		if err := a.talk(ctx, i, reach); err != nil {
			a.failed.Add(1)
		} else {
			a.ended.Add(1)
		}
		if a.pause == 0 {
			return
		}
		time.Sleep(a.pause/2 + rand.N(a.pause))
	}
}

// talk connects once and does what client i does. It calls reach when the client has
// connected, even if its handshake failed.
func (a *attacker) talk(ctx context.Context, i int, reach func()) error {
	tcp, err := a.dial(ctx, i)
	if err != nil {
		return err
	}
	defer tcp.Close()
	a.connected.Add(1)
	talk := a.talks[i%len(a.talks)]
	c := connection{tcp, tcp}
	if a.config != nil && !talk.bare {
		secured := tls.Client(tcp, a.config)
		err = secured.Handshake()
		c.Conn = secured
	}
	reach()
	if err != nil {
		return err
	}
	_, err = io.WriteString(c, talk.text)
	talk.then(c) // even after an error: the service may have answered before it read all
	return err
}

// dial connects from one of several addresses, because one has too few ports. The
// small receive buffer leaves most of an answer to the service.
func (a *attacker) dial(ctx context.Context, i int) (*net.TCPConn, error) {
	dialer := net.Dialer{
		LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(2+i%8))},
		KeepAlive: -1,
		Control: func(_, _ string, raw syscall.RawConn) error {
			var optionErr error
			err := raw.Control(func(descriptor uintptr) {
				optionErr = syscall.SetsockoptInt(int(descriptor), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4<<10)
			})
			return errors.Join(err, optionErr)
		},
	}
	c, err := dialer.DialContext(ctx, "tcp", a.address)
	if err != nil {
		return nil, err
	}
	return c.(*net.TCPConn), nil
}
