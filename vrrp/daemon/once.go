package daemon

import (
	"context"
	"errors"
	"os"
	"os/signal"

	"golang.org/x/sys/unix"
)

// once is "ipvsadm check --once". It returns the exit status.
func once(env Env, line *commandLine) int {
	log, err := newLog(env.Stderr, line.opt.logFormat, false)
	if err != nil {
		fail(env, line, err)
		return exitMissing
	}
	s := newService(env, line.opt, log)
	if s.beside.companion == nil {
		fail(env, line, errors.New("there are no health checks"))
		return exitMissing
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
