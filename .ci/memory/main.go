// Memory attacks a binary of tokenmint that may use 256 MiB of memory:
//
//	memory check [-tls] [-gate] BINARY [NAME...]   run attacks and judge the service
//	memory attack [-tls] [-part I] NAME ADDRESS    be a part of the clients of one attack
//
// The script run builds both programs and calls the first command, which calls the
// second for each attack. So the attackers do not share a process with the probes
// that judge the service.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
)

var errUsage = errors.New("usage: memory check [-tls] [-gate] BINARY [NAME...], or memory attack [-tls] [-part I] NAME ADDRESS")

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "memory:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return errUsage
	}
	flags := flag.NewFlagSet("memory", flag.ContinueOnError)
	secure := flags.Bool("tls", false, "attack over TLS")
	gate := flags.Bool("gate", false, "give the gate an address of its own")
	part := flags.Int("part", 0, "which part of the clients")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop() // after an interrupt, too, what was started is stopped
	switch {
	case args[0] == "check" && flags.NArg() == 1 && !*secure:
		return check(ctx, setup{binary: flags.Arg(0), gate: *gate}, attacks, false, true)
	case args[0] == "check" && flags.NArg() >= 1:
		chosen, err := choose(flags.Args()[1:])
		if err != nil {
			return err
		}
		return check(ctx, setup{binary: flags.Arg(0), gate: *gate}, chosen, *secure)
	case args[0] == "attack" && flags.NArg() == 2:
		chosen, err := choose(flags.Args()[:1])
		if err != nil {
			return err
		}
		return chosen[0].run(ctx, flags.Arg(1), *secure, *part)
	default:
		return errUsage
	}
}

// check runs attacks, with TLS or without. It is an error if the service does not
// survive all of them.
func check(ctx context.Context, setup setup, chosen []attack, protocols ...bool) error {
	folder, err := os.MkdirTemp("", "tokenmint-memory-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	setup.folder = folder
	if err := announceLimit(); err != nil {
		return err
	}
	var failed []string
	for _, setup.secure = range protocols {
		for _, attack := range chosen {
			setup.descriptors = attack.descriptors
			if err := survive(ctx, setup, attack); err != nil {
				fmt.Printf("memory: %s: FAILED: %s\n", setup.title(attack), strings.ReplaceAll(err.Error(), "\n", "; "))
				failed = append(failed, setup.title(attack))
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
	}
	if len(failed) > 0 {
		return fmt.Errorf("the service does not withstand: %s", strings.Join(failed, ", "))
	}
	return nil
}

// choose returns the attacks of these names, or all attacks if there are no names.
func choose(names []string) ([]attack, error) {
	if len(names) == 0 {
		return attacks, nil
	}
	var chosen []attack
	for _, name := range names {
		i := slices.IndexFunc(attacks, func(a attack) bool { return a.name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no attack %q", name)
		}
		chosen = append(chosen, attacks[i])
	}
	return chosen, nil
}
