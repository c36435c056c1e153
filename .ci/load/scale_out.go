package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// scaleOut runs three copies with one key behind nginx, under the configuration in
// the named file. Under load, one copy is killed and started again, and another is
// stopped and started again: no request fails at a client.
func scaleOut(ctx context.Context, binary, configuration, folder string, duration time.Duration) error {
	c := &cluster{folder: folder}
	defer c.kill()
	if err := c.start(binary, configuration); err != nil {
		return err
	}
	if err := expectGuarded(c.address); err != nil {
		return err
	}
	result := new(result)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	loaded := make(chan struct{})
	go func() {
		defer close(loaded)
		newClient(c.address, result).goodTraffic(ctx, 32, time.Millisecond)
	}()
	err := comeAndGo(c, duration/5)
	cancel()
	<-loaded
	fmt.Printf("scale-out: %d requests in %v through nginx, %d failed, the slowest took %v\n", result.requests.Load(), duration, len(result.failures), time.Duration(result.slowest.Load()).Round(time.Millisecond))
	if err := errors.Join(err, result.err()); err != nil {
		return err
	}
	if result.requests.Load() < 1000 {
		return errors.New("too few requests to judge by")
	}
	return verifyAcross(c.copies)
}

// expectGuarded checks that clients of nginx can mint only with a credential, and
// cannot read the metrics.
func expectGuarded(address string) error {
	stranger := newClient(address, new(result))
	stranger.credential = credential + "x"
	return errors.Join(
		stranger.expect(401, "POST", "/token", `{"user_data":1}`),
		stranger.expect(404, "GET", "/metrics", ""),
	)
}

// comeAndGo kills the first copy and starts it again, then stops the second copy
// and starts it again, with a pause around each step.
func comeAndGo(c *cluster, pause time.Duration) error {
	time.Sleep(pause)
	if err := c.awaitLoad(); err != nil {
		return err
	}
	c.copies[0].kill()
	time.Sleep(pause)
	if err := c.copies[0].start(); err != nil {
		return err
	}
	time.Sleep(pause)
	if err := c.copies[1].stop(); err != nil {
		return fmt.Errorf("the graceful stop: %w", err)
	}
	if err := c.copies[1].start(); err != nil {
		return err
	}
	time.Sleep(pause)
	return c.awaitLoad()
}

// verifyAcross mints a token with every copy, and verifies it with every copy: by
// an inspection, and at the gate, which knows only the copies' own key.
func verifyAcross(copies []*service) error {
	for i, minting := range copies {
		data := fmt.Sprintf("minted by copy %d", i)
		token, err := newClient(minting.address, new(result)).mint(data)
		if err != nil {
			return err
		}
		for _, verifying := range copies {
			c := newClient(verifying.address, new(result))
			if err := c.verify("GET", "/token", token, data); err != nil {
				return err
			}
			if err := c.pass(token, 200); err != nil {
				return err
			}
			if err := c.pass(token+"AAAA", 401); err != nil {
				return err
			}
		}
	}
	return nil
}
