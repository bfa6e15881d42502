package main

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"ipvsadm/testdata/lab/uml"
)

func main() {
	uml.Init()
	code, err := run()
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		code = 1
	}
	os.Exit(code)
}

func run() (int, error) {
	scratch := flag.String("scratch", "", "directory with this program and ipvsadm; removed at the end")
	inGuest := flag.String("guest", "", "in the guest: the directory with ipvsadm")
	requests := flag.Int("request", 0, "in the guest: send this many requests")
	serve := flag.String("serve", "", "in the guest: answer on port 80 with this name")
	flag.Parse()
	what := flag.Arg(0)
	switch {
	case flag.NArg() > 1 || !slices.Contains([]string{"", "shell", "ha"}, what):
		return 0, fmt.Errorf("unknown words %q; usage: testdata/lab/demo [shell|ha]", flag.Args())
	case *requests > 0:
		t := request(context.Background(), nil, *requests)
		fmt.Println(t)
		return 0, t.err
	case *serve != "":
		return 0, http.ListenAndServe(":80", answer(*serve))
	case *inGuest != "":
		switch what {
		case "shell":
			return shellInGuest(*inGuest)
		case "ha":
			return haInGuest(*inGuest)
		}
		return 0, demoInGuest(*inGuest)
	case *scratch != "":
		return host(*scratch, what)
	}
	return 0, fmt.Errorf("run testdata/lab/demo instead")
}

// host boots the guest and runs the demo, or what the word asks for, in it.
func host(scratch, what string) (int, error) {
	defer os.RemoveAll(scratch) // if it does not get as far as booting
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGINT, unix.SIGTERM, unix.SIGHUP)
	defer stop()
	start := time.Now()
	fmt.Println("Booting a throwaway kernel (User-Mode Linux) ...")
	guest, err := uml.Boot(uml.Options{Dir: scratch})
	if err != nil {
		return 0, err
	}
	defer guest.Close()
	command := uml.Command{
		Args:    []string{filepath.Join(scratch, "demo"), "-guest", scratch},
		Env:     guestEnv(),
		Dir:     "/",
		Isolate: true,
	}
	if what != "" {
		command.Args = append(command.Args, what)
	}
	if what == "shell" {
		return onTerminal(ctx, guest, command)
	}
	code, err := guest.Run(ctx, command, os.Stdout)
	if ctx.Err() != nil {
		return 0, fmt.Errorf("interrupted")
	}
	if err == nil {
		fmt.Printf("(%.0f s with booting)\n", time.Since(start).Seconds())
	}
	return code, err
}

// guestEnv is the environment of commands in the guest.
func guestEnv() []string {
	env := []string{
		"PATH=" + binDir + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"HOME=" + homeDir,
	}
	for _, e := range os.Environ() {
		if strings.HasPrefix(e, "TERM=") || strings.HasPrefix(e, "LANG=") || strings.HasPrefix(e, "LC_") {
			env = append(env, e)
		}
	}
	return env
}
