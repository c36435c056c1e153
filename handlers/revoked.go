package handlers

import (
	"time"

	"tokenmint/jwtcore"
	"tokenmint/jwtcore/keyfile"
)

// stateRevoked is the state of a token that one of the service's own keys signed, and
// that the operator has revoked. It does not follow from the token's claims alone.
const stateRevoked jwtcore.State = "revoked"

// SetRevoked replaces the revoked tokens, and logs how many there are. A request sees
// either the old ones or the new ones.
func (s *Service) SetRevoked(revoked *keyfile.Revoked) {
	s.revoked.Store(revoked)
	s.metrics.revoked.WithLabelValues().Set(float64(revoked.Len()))
	attributes := []any{"count", revoked.Len()}
	if before, ok := revoked.Before(); ok {
		attributes = append(attributes, "before", before.UTC().Format(time.RFC3339Nano))
	}
	s.logger.Info("revoked tokens", attributes...)
}

// AddRevoked adds to the revoked tokens, as SetRevoked replaces them. Only one goroutine
// at a time may call one of the two.
func (s *Service) AddRevoked(revoked *keyfile.Revoked) {
	if old := s.revoked.Load(); old != nil {
		revoked = old.With(revoked)
	}
	s.SetRevoked(revoked)
}

// isRevoked reports whether the operator has revoked the token.
func (s *Service) isRevoked(token *jwtcore.Token) bool {
	revoked := s.revoked.Load()
	return revoked != nil && revoked.Revokes(token)
}
