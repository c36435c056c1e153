// Load runs a binary of tokenmint under load:
//
//	load soak BINARY DURATION                 good and bad traffic: nothing is left behind
//	load scale-out BINARY DURATION NGINX.CONF three copies behind nginx, which come and go
//	load rotation BINARY NGINX.CONF           three copies behind nginx: all secrets are replaced
//
// The script run builds both programs and calls it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	folder, err := os.MkdirTemp("", "tokenmint-load-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop() // after an interrupt, too, what was started is stopped
	switch {
	case len(args) == 3 && args[0] == "soak":
		duration, err := time.ParseDuration(args[2])
		if err != nil {
			return err
		}
		return soak(ctx, args[1], folder, duration)
	case len(args) == 4 && args[0] == "scale-out":
		duration, err := time.ParseDuration(args[2])
		if err != nil {
			return err
		}
		return scaleOut(ctx, args[1], args[3], folder, duration)
	case len(args) == 3 && args[0] == "rotation":
		return rotate(ctx, args[1], args[2], folder)
	default:
		return errors.New("usage: load soak BINARY DURATION, load scale-out BINARY DURATION NGINX.CONF, or load rotation BINARY NGINX.CONF")
	}
}
