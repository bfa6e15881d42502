package keepalived

import (
	"time"
)

// timing are the times and counts of checks, which a real server inherits from
// the virtual server and a checker from the real server. What was not given is
// negative.
type timing struct {
	interval, retryDelay, warmup, timeout time.Duration
	retries                               int
	alpha                                 choice
}

const notGiven = -1

func newTiming() timing { return timing{notGiven, notGiven, notGiven, notGiven, notGiven, choice{}} }

// inherit fills in what was not given.
func (t *timing) inherit(from *timing) {
	for _, d := range [][2]*time.Duration{{&t.interval, &from.interval}, {&t.retryDelay, &from.retryDelay}, {&t.warmup, &from.warmup}, {&t.timeout, &from.timeout}} {
		if *d[0] < 0 {
			*d[0] = *d[1]
		}
	}
	if t.retries < 0 {
		t.retries = from.retries
	}
	if !t.alpha.given {
		t.alpha = from.alpha
	}
}

// timingWords are the words of timing. retry is at least the given number.
func timingWords[T any](leastRetry int, at func(*T) *timing) []word[T] {
	retry := number("retry", "Checks that must fail again before the server counts as down; default 1, of DNS_CHECK 3, of MISC_CHECK 0.", leastRetry, maxCount, func(t *T) *int { return &at(t).retries }).hidden()
	return []word[T]{
		duration("delay_loop", "Time between checks; default 60.", time.Microsecond, maxDelay, func(t *T) *time.Duration { return &at(t).interval }).hidden(),
		retry,
		duration("delay_before_retry", "Time before a check is tried again; default 1, of HTTP_GET and SSL_GET 3, of DNS_CHECK delay_loop.", 0, maxDelay, func(t *T) *time.Duration { return &at(t).retryDelay }).hidden(),
		duration("warmup", "The most that the first check is put off, at random; default delay_loop.", 0, maxDelay, func(t *T) *time.Duration { return &at(t).warmup }).hidden(),
		choiceWord("alpha", "Count as down until the first check succeeds; default off.", func(t *T) *choice { return &at(t).alpha }),
	}
}

// maxDelay bounds delays that keepalived hardly does: 31 days.
const maxDelay = 31 * 24 * time.Hour

// timeoutWord is connect_timeout, which not all that have timing have.
func timeoutOf[T any](at func(*T) *timing) word[T] {
	return duration("connect_timeout", "Time to connect; default 5.", time.Microsecond, maxInterval, func(t *T) *time.Duration { return &at(t).timeout }).hidden()
}

// choiceWord is a boolean whose default comes from elsewhere.
func choiceWord[T any](name, doc string, at func(*T) *choice) word[T] {
	return word[T]{
		wordInfo: wordInfo{name: name, args: "[BOOL]", doc: doc},
		set: func(s *statement, t *T) {
			if on, ok := s.yes(); ok {
				*at(t) = choice{true, on}
			}
		},
	}
}
