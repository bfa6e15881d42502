package daemon

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"golang.org/x/sys/unix"
)

// once is "ipvsadm check --once". It returns the exit status.
func once(env Env, line *commandLine) int {
	log, err := newLog(env.Stderr, line.opt.logFormat, false)
	if err != nil {
		return fail(env, line, err)
	}
	s := newService(env, line.opt, log)
	if s.beside.companion == nil {
		return fail(env, line, fmt.Errorf("there are no health checks"))
	}
	setup := s.load(context.Background())
	if setup == nil {
		return exitMissing
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, unix.SIGTERM)
	defer stop()
	well, err := s.beside.companion.Once(ctx, setup, env.Stdout, line.opt.json)
	switch {
	case err != nil:
		log.Error(err.Error())
		return exitMissing
	case !well:
		return exitFatal
	}
	return exitOK
}
