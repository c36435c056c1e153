// Load runs the built tokenmint under load, for the scripts in .ci:
//
//	load soak BINARY DURATION       good and bad traffic: nothing is left behind
//	load scale-out BINARY DURATION  three copies behind nginx, that come and go
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
	if len(args) != 3 {
		return errors.New("usage: load soak|scale-out BINARY DURATION")
	}
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
	defer stop() // who is interrupted ends what it has started
	switch args[0] {
	case "soak":
		return soak(ctx, args[1], folder, duration)
	case "scale-out":
		return scaleOut(ctx, args[1], folder, duration)
	default:
		return fmt.Errorf("there is no %s", args[0])
	}
}
