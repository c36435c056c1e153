package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	reloadLimit = 5 * time.Second // from a change of a file until every copy has it
	tolerance   = time.Second     // for a machine that is busy with the load

	tokenAge = 5 * time.Second // at which clients replace a token, at the latest
	disuse   = 2 * time.Second // without a pass of its tokens, after which a key may go
)

// secondCredential replaces the credential.
const secondCredential = "another-credential-for-all-of-the-copies"

// rotation replaces the secrets of copies that are under load.
type rotation struct {
	cluster
	binary     string
	credential string // that the clients mint with
	stopLoad   func() // returns when the load has ended
	result     *result
	changes    int           // of files
	slowest    time.Duration // from a change until a copy had it
}

// rotate runs three copies that share their files behind nginx, under the configuration
// in the named file. Under load it replaces the signing key by the commands, then the
// mint credential, and then the signing key in a volume of Kubernetes: no request fails,
// and no token of a key in the file is refused.
func rotate(ctx context.Context, binary, configuration, folder string) error {
	r := &rotation{cluster: cluster{folder: folder}, binary: binary, credential: credential, result: new(result)}
	defer r.kill()
	if err := r.start(binary, configuration); err != nil {
		return err
	}
	r.startLoad()
	err := r.replaceAll(ctx)
	r.stopLoad()
	fmt.Printf("rotation: %d requests, %d of them with a token that must pass, %d failed; %d changes, the slowest took %v to reach a copy\n",
		r.result.requests.Load(), r.result.checks.Load(), len(r.result.failures), r.changes, r.slowest.Round(time.Millisecond))
	if err := errors.Join(err, r.result.err()); err != nil {
		return err
	}
	if r.result.requests.Load() < 1000 {
		return errors.New("too few requests to judge by")
	}
	return r.endCopies()
}

// startLoad runs clients until stopLoad is called.
func (r *rotation) startLoad() {
	ctx, cancel := context.WithCancel(context.Background())
	var traffic sync.WaitGroup
	r.stopLoad = func() {
		cancel()
		traffic.Wait()
	}
	for i := range 12 {
		balanced, copies := r.client(r.address), r.clients()
		traffic.Go(func() { useTokens(ctx, balanced, copies, fmt.Sprintf("client %d", i)) })
	}
	streaming := r.client(r.address)
	traffic.Go(func() {
		if err := streaming.streamTraffic(ctx, 50*time.Millisecond); err != nil {
			r.result.fail(err)
		}
	})
}

// client returns a client of an address, with the credential that clients mint with.
func (r *rotation) client(address string) *client {
	c := newClient(address, r.result)
	c.credential = r.credential
	return c
}

// clients returns a client of each copy.
func (r *rotation) clients() []*client {
	var clients []*client
	for _, s := range r.copies {
		clients = append(clients, r.client(s.address))
	}
	return clients
}

// useTokens mints a token, takes it to an inspection and to the gate of every copy again
// and again, renews it, and so on until ctx ends.
func useTokens(ctx context.Context, balanced *client, copies []*client, data string) {
	for ctx.Err() == nil {
		renewal := time.Now().Add(tokenAge/2 + rand.N(tokenAge/2))
		token, err := balanced.mint(data)
		for err == nil && ctx.Err() == nil && time.Now().Before(renewal) {
			time.Sleep(50 * time.Millisecond)
			err = balanced.verify("POST", "/token/verify", token, data)
			for _, c := range copies {
				err = errors.Join(err, c.pass(token, 200))
			}
		}
		if err != nil {
			balanced.result.fail(err)
			time.Sleep(time.Second)
		}
	}
}

// replaceAll replaces all secrets, the signing key twice.
func (r *rotation) replaceAll(ctx context.Context) error {
	if err := r.replaceKey(ctx, r.secrets.key(r.binary)); err != nil {
		return fmt.Errorf("by the commands: %w", err)
	}
	if err := r.replaceCredential(ctx); err != nil {
		return fmt.Errorf("the credential: %w", err)
	}
	volume, err := r.secrets.copyKeys()
	if err == nil {
		err = r.secrets.publish(volume)
	}
	if err == nil {
		err = r.replaceKey(ctx, r.secrets.volumeKey(r.binary))
	}
	if err != nil {
		return fmt.Errorf("in a volume: %w", err)
	}
	return nil
}

// replaceKey replaces the only signing key by a new one.
func (r *rotation) replaceKey(ctx context.Context, key keyCommand) error {
	list, err := r.listKeys()
	if err != nil {
		return err
	}
	old := list.Mints
	oldTokens, err := r.mintEverywhere(old)
	if err != nil {
		return err
	}
	added, err := r.changeKeys(ctx, key, "add")
	if err != nil {
		return err
	}
	if _, err := r.mintEverywhere(old); err != nil {
		return err
	}
	if _, err := r.changeKeys(ctx, key, "promote"); err != nil {
		return err
	}
	newTokens, err := r.mintEverywhere(added)
	if err != nil {
		return err
	}
	if err := r.expectEverywhere(200, oldTokens); err != nil {
		return err
	}
	if err := r.awaitDisuse(ctx, old); err != nil {
		return err
	}
	if _, err := r.changeKeys(ctx, key, "remove", old); err != nil {
		return err
	}
	return errors.Join(r.expectEverywhere(401, oldTokens), r.expectEverywhere(200, newTokens))
}

// changeKeys executes a command that changes the signing keys, and waits until every
// copy has logged those that are then in the file. It returns what the command prints.
func (r *rotation) changeKeys(ctx context.Context, key keyCommand, command ...string) (printed string, err error) {
	began := time.Now()
	if printed, err = key(command...); err != nil {
		return "", err
	}
	want, err := r.listKeys()
	if err != nil {
		return "", err
	}
	if err := r.awaitReload(ctx, began, want); err != nil {
		return "", err
	}
	return printed, r.expectKeyInfo(ctx, want)
}

// listKeys returns the keys in the file, as the log of a copy must have them.
func (r *rotation) listKeys() (logLine, error) {
	list, err := r.secrets.key(r.binary)("list")
	keys := logLine{Msg: "signing keys"}
	for line := range strings.Lines(list) {
		fingerprint, mints := strings.CutSuffix(strings.TrimSpace(line), " mints")
		keys.Fingerprints = append(keys.Fingerprints, fingerprint)
		if mints {
			keys.Mints = fingerprint
		}
	}
	return keys, err
}

// awaitReload waits until every copy has logged the secrets in want, which are in a file
// since the given time. It is an error if a copy needs longer than it may.
func (r *rotation) awaitReload(ctx context.Context, since time.Time, want logLine) error {
	r.changes++
	for i, s := range r.copies {
		var took time.Duration
		err := await(ctx, 2*reloadLimit, func() error {
			lines, err := s.log()
			for _, line := range lines {
				if line.Msg == want.Msg && line.Mints == want.Mints && slices.Equal(line.Fingerprints, want.Fingerprints) && line.Time.After(since) {
					took = line.Time.Sub(since)
					return nil
				}
			}
			return errors.Join(err, fmt.Errorf("copy %d has not logged the %s %v", i, want.Msg, want.Fingerprints))
		})
		if err != nil {
			return err
		}
		if took > reloadLimit+tolerance {
			return fmt.Errorf("copy %d took %v to notice the %s %v", i, took, want.Msg, want.Fingerprints)
		}
		r.slowest = max(r.slowest, took)
	}
	return nil
}

// expectKeyInfo checks that the metrics of every copy show the keys that its log has.
func (r *rotation) expectKeyInfo(ctx context.Context, keys logLine) error {
	const name = "tokenmint_signing_key_info"
	want := map[string]float64{}
	for _, fingerprint := range keys.Fingerprints {
		want[fmt.Sprintf(`%s{fingerprint="%s",mints="%t"}`, name, fingerprint, fingerprint == keys.Mints)] = 1
	}
	return await(ctx, time.Second, func() error { // the log may be ahead
		for i, s := range r.copies {
			series, err := s.metrics()
			if err != nil {
				return err
			}
			maps.DeleteFunc(series, func(series string, _ float64) bool { return !strings.HasPrefix(series, name+"{") })
			if !maps.Equal(series, want) {
				return fmt.Errorf("the metrics of copy %d have the keys %v, want %v", i, series, want)
			}
		}
		return nil
	})
}

// mintEverywhere mints a token with every copy. All tokens must be signed by
// the key with the given fingerprint, and pass the gate of every copy.
func (r *rotation) mintEverywhere(fingerprint string) (tokens []string, err error) {
	for i, c := range r.clients() {
		token, err := c.mint("the same everywhere")
		if err != nil {
			return nil, fmt.Errorf("copy %d: %w", i, err)
		}
		_, answer, err := c.ask("POST", "/token/verify", `{"Token":"`+token+`"}`)
		if err != nil {
			return nil, fmt.Errorf("copy %d: %w", i, err)
		}
		if !strings.Contains(answer, `"Signed_by":"`+fingerprint+`"`) {
			return nil, fmt.Errorf("copy %d must mint with the key %s, but its token is %s", i, fingerprint, answer)
		}
		tokens = append(tokens, token)
	}
	return tokens, r.expectEverywhere(200, tokens)
}

// expectEverywhere checks that the gate of every copy answers each of the tokens with
// the status want.
func (r *rotation) expectEverywhere(want int, tokens []string) error {
	for i, c := range r.clients() {
		for _, token := range tokens {
			if err := c.pass(token, want); err != nil {
				return fmt.Errorf("copy %d: %w", i, err)
			}
		}
	}
	return nil
}

// awaitDisuse waits until clients have renewed their tokens, so that none of the key with
// this fingerprint has passed a gate for a while.
func (r *rotation) awaitDisuse(ctx context.Context, fingerprint string) error {
	var last map[*service]float64
	var since time.Time
	return await(ctx, 4*tokenAge, func() error {
		passes := map[*service]float64{}
		for i, s := range r.copies {
			series, err := s.metrics()
			if err != nil {
				return err
			}
			passes[s] = series[`tokenmint_gate_passes_total{fingerprint="`+fingerprint+`"}`]
			if passes[s] == 0 {
				return fmt.Errorf("copy %d counts no passes of tokens of the key %s", i, fingerprint)
			}
		}
		if !maps.Equal(passes, last) {
			last, since = passes, time.Now()
		}
		if time.Since(since) < disuse {
			return fmt.Errorf("tokens of the key %s still pass the gates", fingerprint)
		}
		return nil
	})
}

// replaceCredential replaces the mint credential: it adds the second one, moves the
// clients to it, and removes the first one.
func (r *rotation) replaceCredential(ctx context.Context) error {
	if err := r.changeCredentials(ctx, credential, secondCredential); err != nil {
		return err
	}
	stopFirst := r.stopLoad
	r.credential = secondCredential
	r.startLoad()
	stopFirst()
	if err := r.changeCredentials(ctx, secondCredential); err != nil {
		return err
	}
	for i, c := range r.clients() {
		if _, err := c.mint("with the second credential"); err != nil {
			return fmt.Errorf("copy %d: %w", i, err)
		}
		c.credential = credential
		if err := c.expect(401, "POST", "/token", `{"user_data":"with the first credential"}`); err != nil {
			return fmt.Errorf("copy %d: %w", i, err)
		}
	}
	return nil
}

// changeCredentials writes the file of credentials, and waits until every copy has logged
// them.
func (r *rotation) changeCredentials(ctx context.Context, credentials ...string) error {
	if err := writeSlowly(r.secrets.credentialFile(), strings.Join(credentials, "\n")); err != nil {
		return err
	}
	want := logLine{Msg: "mint credentials"}
	for _, credential := range credentials {
		digest := sha256.Sum256([]byte("tokenmint credential" + credential))
		want.Fingerprints = append(want.Fingerprints, hex.EncodeToString(digest[:4]))
	}
	return r.awaitReload(ctx, time.Now(), want)
}

// writeSlowly writes a file in place, with pauses during which a part is missing.
func writeSlowly(path, text string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	for i := range len(text) {
		if i%10 == 0 {
			time.Sleep(100 * time.Millisecond)
		}
		if _, err := file.WriteString(text[i : i+1]); err != nil {
			return err
		}
	}
	return nil
}

// endCopies stops the copies. None of them may have logged a warning or an error.
func (r *rotation) endCopies() error {
	for i, s := range r.copies {
		if err := s.stop(); err != nil {
			return fmt.Errorf("copy %d: %w", i, err)
		}
		lines, err := s.log()
		if err != nil {
			return err
		}
		for _, line := range lines {
			if line.Level != "INFO" {
				return fmt.Errorf("copy %d has logged: %+v", i, line)
			}
		}
	}
	return nil
}
