package handlers

import (
	"crypto/sha256"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"sync/atomic"

	"tokenmint/handlers/policy"
)

const (
	// maxPolicies is how many policies a generation has. The configurations of proxies
	// have fewer.
	maxPolicies = 100

	// maxKeptSize bounds what the policies of a generation take in memory, in bytes,
	// unless a single one takes more.
	maxKeptSize = 3 << 20

	// maxLoggedQueries is how many wrong queries are logged.
	maxLoggedQueries = 100
)

// policies keeps the policies of the queries that proxies send, so that a request pays
// only for evaluating one. Clients who can reach the gate can send queries of their own,
// so the size is bounded, and policies in use stay: when a generation is full, a new one
// begins. Policies still in use move to it, and the generation before the last is dropped.
type policies struct {
	logger *slog.Logger
	kept   atomic.Pointer[generations]

	parsing sync.Mutex // one query at a time: parsing can take a hundred times its size
	keeping sync.Mutex

	logged map[[sha256.Size]byte]bool // digests of wrong queries, which may have a token
}

// generations are policies by their queries. They are replaced as a whole, so that
// readers need no lock.
type generations struct {
	current, previous map[string]*policy.Policy
	size              int // of all of current
}

func newPolicies(logger *slog.Logger) *policies {
	p := &policies{logger: logger, logged: map[[sha256.Size]byte]bool{}}
	p.kept.Store(&generations{})
	return p
}

// find returns the policy in a query. If query is not a policy, find logs the reason, once
// per query and for at most maxLoggedQueries queries.
func (p *policies) find(query string) (*policy.Policy, error) {
	kept := p.kept.Load()
	if found := kept.current[query]; found != nil {
		return found, nil
	}
	query = strings.Clone(query) // without the rest of the request line, since it is kept
	found := kept.previous[query]
	if found == nil {
		var err error
		if found, err = p.parse(query); err != nil {
			return nil, err
		}
	}
	p.keep(query, found)
	return found, nil
}

func (p *policies) parse(query string) (*policy.Policy, error) {
	p.parsing.Lock()
	defer p.parsing.Unlock()
	parsed, err := policy.Parse(query)
	if err != nil {
		p.log(query, err)
	}
	return parsed, err
}

func (p *policies) log(query string, err error) {
	digest := sha256.Sum256([]byte(query))
	if p.logged[digest] || len(p.logged) == maxLoggedQueries {
		return
	}
	p.logged[digest] = true
	p.logger.Error("the gate lets no one pass at a URL", "error", err)
}

// keep adds a policy to the current generation.
func (p *policies) keep(query string, added *policy.Policy) {
	p.keeping.Lock()
	defer p.keeping.Unlock()
	next := *p.kept.Load()
	if next.current[query] != nil {
		return
	}
	if len(next.current) == maxPolicies || next.size+added.Size() > maxKeptSize {
		next = generations{previous: next.current}
	}
	next.current = maps.Clone(next.current)
	if next.current == nil {
		next.current = map[string]*policy.Policy{}
	}
	next.current[query] = added
	next.size += added.Size()
	p.kept.Store(&next)
}
