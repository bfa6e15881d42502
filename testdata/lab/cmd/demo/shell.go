package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"

	"golang.org/x/sys/unix"
)

const welcome = `
The director, the real servers and the client are set up for DR; this shell is
root's on the director. Things to type:

  ipvsadm -L -n                 the table, listed by the ipvsadm of this project
  request 10                    10 requests from the client: who answers?
  watch ipvsadm -L -n --stats   Ctrl-C ends it
  on rs1 ip address             a command on rs1, rs2 or client
  exit                          ends the shell and the kernel; nothing is left

`

// shellInGuest builds the network, sets it up for DR, and runs a shell on the
// director until it is left.
func shellInGuest(scratch string) (int, error) {
	// Ctrl-C before the shell is there, or that it leaves to us, ends nothing.
	signal.Notify(make(chan os.Signal, 1), unix.SIGINT, unix.SIGQUIT, unix.SIGTSTP)
	n, err := newNetwork(io.Discard, scratch)
	if err != nil {
		return 0, err
	}
	if err := n.setUp(direct); err != nil {
		return 0, err
	}
	// Without -p, so that one client's requests are shared.
	if err := n.typed("director", "ipvsadm -E -t "+service+" -s rr"); err != nil {
		return 0, err
	}
	rc := filepath.Join(homeDir, ".bashrc")
	const settings = "PS1='[root@director \\W]# '\nunset HISTFILE\n"
	if err := os.WriteFile(rc, []byte(settings), 0o644); err != nil {
		return 0, err
	}
	fmt.Print(picture, welcome)
	cmd := exec.Command("ip", "netns", "exec", "director", "bash", "--noprofile", "--rcfile", rc)
	cmd.Dir = homeDir
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode(), nil // of the last command: the shell's, not ours
	}
	return 0, err
}
