package check

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// OnceResult is a check that was done once.
type OnceResult struct {
	// Server and Real are named as in the log.
	Server, Real string
	Kind         string
	Result       Result
	Took         time.Duration
}

// Well says whether the check was done and found nothing wrong.
func (r OnceResult) Well() bool { return r.Result.Verdict == Pass || r.Result.Verdict == Partial }

// Validate says what of a configuration cannot be run here: checkers that cannot
// be made, as look says. It touches nothing.
func Validate(c *Config, look func(*Config, ProbeConfig) error) error {
	var errs []error
	for i := range c.Servers {
		s := &c.Servers[i]
		for j := range s.Reals {
			for k := range s.Reals[j].Checkers {
				if err := look(c, s.Reals[j].Checkers[k].Probe); err != nil {
					errs = append(errs, s.unusable(j, err))
				}
			}
		}
	}
	return errors.Join(errs...)
}

// unusable says that a checker of a real server cannot be made.
func (s *ServerConfig) unusable(real int, err error) error {
	return fmt.Errorf("virtual_server %s, real_server %s: %w", s.Name(), EndpointName(s.Service.Protocol, s.Reals[real].Addr), err)
}

// Once does every check of a configuration once, now, at most limit at a time, and
// changes nothing. Results are in the order of the configuration. A check with
// several parts is repeated until it has seen them all. An error is a configuration
// that cannot be checked here.
func Once(ctx context.Context, c Config, create func(*Config, ProbeConfig) (Checker, error), limit int) ([]OnceResult, error) {
	m := NewManager(Options{New: create, Concurrent: limit})
	servers, err := m.build(&c, nil)
	if err != nil {
		return nil, err
	}
	var runners []*runner
	for _, s := range servers {
		for r := range s.runners() {
			runners = append(runners, r)
		}
	}
	results := make([]OnceResult, len(runners))
	room := make(chan struct{}, m.options.Concurrent)
	var all sync.WaitGroup
	for i, r := range runners {
		select {
		case room <- struct{}{}:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
		all.Go(func() {
			results[i] = r.once(ctx)
			<-room
		})
	}
	all.Wait()
	if err := ctx.Err(); err != nil {
		return nil, errors.Join(errors.New("not everything was checked"), err)
	}
	return results, nil
}

// maxParts bounds the pages of one check: with more a checker that never ends
// would never end.
const maxParts = 1000

func (r *runner) once(ctx context.Context) OnceResult {
	result := OnceResult{Server: r.server.name, Real: r.server.realName(r.real), Kind: r.config.Probe.Kind()}
	began := time.Now()
	for range maxParts {
		o := perform(ctx, r.check)
		if result.Result = o.result; o.trouble != "" {
			result.Result = Result{Verdict: Fail, Reason: fmt.Sprintf("panic: %.200s", o.trouble)}
		}
		if result.Result.Verdict != Partial {
			break
		}
	}
	result.Took = time.Since(began)
	return result
}
