package daemon

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"ipvsadm/vrrp"
)

// configTest reads the configuration and writes all there is to say about it. It
// returns the exit status.
func configTest(env Env, o options, w io.Writer) int {
	setup, messages := env.Load(context.Background(), o.file, o.load)
	if setup != nil && env.Companion != nil && !o.vrrpOnly && setup.Servers > 0 {
		if err := env.Companion(Surroundings{Log: slog.New(slog.DiscardHandler)}).Check(setup); err != nil {
			messages = append(messages, Message{Error, o.file + ": " + err.Error()})
		}
	}
	if setup != nil {
		messages = append(messages, judgeCommands(env, o.file, setup)...)
	}
	out := printer{w: w}
	for _, m := range messages {
		out.line(m.Text)
	}
	if out.err != nil {
		fmt.Fprintln(env.Stderr, "write the messages:", out.err)
		return exitFatal
	}
	return verdict(messages)
}

// verdict is keepalived's exit status for what was said.
func verdict(messages []Message) int {
	worst := Note
	for _, m := range messages {
		worst = max(worst, m.Severity)
	}
	switch worst {
	case Note:
		return exitOK
	case Warning:
		return exitWarnings
	case Insecure:
		return exitInsecure
	case Error:
		return exitUnusable
	}
	return exitMissing
}

// judgeCommands looks at the programs of a configuration as a daemon of root on
// this machine would.
func judgeCommands(env Env, file string, s *Setup) (messages []Message) {
	policy := vrrp.ScriptPolicy{Secure: s.ScriptSecurity, Env: env.Environ}
	found := false
	for _, u := range s.Commands {
		program, err := policy.Prepare(u.Command)
		if err != nil {
			messages = append(messages, Message{Warning, u.Position + ": " + u.Word + " would not be run on this machine: " + err.Error()})
			continue
		}
		found = true
		if weak := program.Weakness(); weak != "" {
			messages = append(messages, Message{Warning, u.Position + ": " + u.Word + " is not safe: " + weak + "; let nobody else write there"})
		}
	}
	if found && !s.ScriptSecurity {
		messages = append(messages, Message{Insecure, file +
			": SECURITY VIOLATION - scripts are being executed but script_security not enabled; write enable_script_security in global_defs"})
	}
	return messages
}
