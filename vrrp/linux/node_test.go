package linux_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"testing"
	"time"

	"ipvsadm/rules/keepalived"
	"ipvsadm/testdata/lab/uml"
	"ipvsadm/vrrp"
	"ipvsadm/vrrp/linux"

	"golang.org/x/sys/unix"
)

// nodeVar names the variable that makes the test binary a VRRP router with the
// configuration file it holds. So routers can be killed, stopped and put into
// network namespaces, as processes.
const nodeVar = "VRRP_NODE"

func TestMain(m *testing.M) {
	if file, ok := os.LookupEnv(nodeVar); ok {
		if err := runNode(file); err != nil {
			fmt.Fprintln(os.Stderr, "error:", err)
			os.Exit(1)
		}
		return
	}
	uml.Init()
	// Routers wait, mostly: some pairs of them run at once, even on one CPU.
	flag.Parse()
	if err := flag.Set("test.parallel", "7"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// runNode is a router in the foreground: SIGTERM ends it, SIGHUP reloads, SIGUSR1
// shows the counters.
func runNode(file string) error {
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGTERM)
	defer stop()
	load := func() (vrrp.Config, error) {
		c, diagnostics := keepalived.Load(ctx, file, keepalived.Options{})
		if c == nil {
			return vrrp.Config{}, fmt.Errorf("%v", diagnostics)
		}
		return c.VRRP, nil
	}
	config, err := load()
	if err != nil {
		return err
	}
	wire, err := linux.NewWire()
	if err != nil {
		return err
	}
	defer wire.Close()
	host, err := linux.NewHost()
	if err != nil {
		return err
	}
	defer host.Close()
	manager := vrrp.NewManager(vrrp.Options{
		Wire: wire, Host: host, Notifier: lines{},
		Log:     slog.New(slog.NewTextHandler(os.Stderr, nil)),
		Started: func() { say("Startup complete") },
	})
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, unix.SIGHUP)
	go func() {
		for range hup {
			c, err := load()
			if err == nil {
				err = manager.Reload(ctx, c)
			}
			say(fmt.Sprintf("Reload: %v", err))
		}
	}()
	usr1 := make(chan os.Signal, 1)
	signal.Notify(usr1, unix.SIGUSR1)
	go func() {
		for range usr1 {
			if s, err := manager.Status(ctx); err == nil {
				text, err := json.Marshal(newNodeCounters(&s))
				say(fmt.Sprintf("Counters: %v %s", err, text))
			}
		}
	}()
	err = manager.Run(ctx, config)
	say("Stopped")
	return err
}

// nodeCounters are the counters of a router's first instance.
type nodeCounters struct {
	vrrp.Counters
	vrrp.ManagerCounters
}

func newNodeCounters(s *vrrp.Status) nodeCounters {
	return nodeCounters{s.Instances[0].Counters, s.Counters}
}

func say(line string) {
	fmt.Fprintf(os.Stderr, "%s %s\n", time.Now().Format("15:04:05.000000"), line)
}

// lines logs what happens as keepalived does with -D.
type lines struct{}

func (lines) Notify(r vrrp.Report) {
	switch a := r.Action.(type) {
	case vrrp.Transition:
		if r.Group != "" {
			say(a.GroupLine(r.Group))
		} else {
			say(a.Line(r.Instance))
		}
	case vrrp.Log:
		say(a.Line(r.Instance))
	case vrrp.Refuse:
		say(a.Line(r.Instance))
	case vrrp.Notify:
		if r.Group != "" {
			say(fmt.Sprintf("GROUP %q %s", r.Group, a))
		} else {
			say(fmt.Sprintf("INSTANCE %q %s", r.Instance, a))
		}
	}
}
