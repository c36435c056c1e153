// Load runs a binary of tokenmint under load:
//
//	load soak BINARY DURATION                 good and bad traffic: nothing is left behind
//	load scale-out BINARY DURATION NGINX.CONF three copies behind nginx, which come and go
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
	isSoak := len(args) == 3 && args[0] == "soak"
	isScaleOut := len(args) == 4 && args[0] == "scale-out"
	if !isSoak && !isScaleOut {
		return errors.New("usage: load soak BINARY DURATION, or load scale-out BINARY DURATION NGINX.CONF")
	}
	binary := args[1]
	duration, err := time.ParseDuration(args[2])
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "tokenmint-load-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop() // after an interrupt, too, what was started is stopped
	if isSoak {
		return soak(ctx, binary, folder, duration)
	}
	return scaleOut(ctx, binary, args[3], folder, duration)
}
