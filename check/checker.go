package check

import "context"

// Checker does one check of one real server after the other. It may keep state
// between checks, as HTTP_GET with several pages does, and is for one goroutine.
// Package probe makes them.
type Checker interface {
	// Check does one check and says what it found. It ends by itself in bounded
	// time; when ctx ends first it fails at once.
	Check(ctx context.Context) Result
}
