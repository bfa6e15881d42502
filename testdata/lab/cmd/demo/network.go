package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"ipvsadm/testdata/lab/uml"
)

const (
	vip     = "192.168.40.17"
	service = vip + ":80"

	binDir  = "/run/bin"  // ipvsadm and the shell's helpers, first in $PATH
	homeDir = "/run/root" // root's home in the guest
)

const picture = `
     client 192.168.42.9
        |
     router 192.168.42.1, 192.168.41.1
        |
   -----+----------------+------------------+-------   192.168.40.0/23
        |                |                  |
     director           rs1                rs2
     192.168.41.181     192.168.41.31      192.168.41.33
     VIP 192.168.40.17
`

// build makes the picture true: a switch that is the router as well, and four
// machines, each a network namespace.
const build = `set -e
ip link add lan type bridge
ip address add 192.168.41.1/23 dev lan
ip link set lan up
echo 1 >/proc/sys/net/ipv4/ip_forward

machine() {
	ip netns add $1
	ip link add $1 type veth peer name eth0 netns $1
	ip link set $1 up $2
	ip -n $1 link set lo up
	ip -n $1 link set eth0 up
	ip -n $1 address add $3 brd + dev eth0
	ip -n $1 route add default via $4
}
machine director "master lan" 192.168.41.181/23 192.168.41.1
machine rs1 "master lan" 192.168.41.31/23 192.168.41.1
machine rs2 "master lan" 192.168.41.33/23 192.168.41.1
ip address add 192.168.42.1/24 dev lo
machine client "" 192.168.42.9/24 192.168.42.1
ip address del 192.168.42.1/24 dev lo
ip address add 192.168.42.1/24 dev client
`

// network is the lab: its machines by name, and where to tell about it.
type network struct {
	out      io.Writer
	machines map[string]*uml.NetNS
	// port is the client's for its next request. The director remembers for two
	// minutes whom it forwarded a port to, and how: none may come twice.
	port int
}

// newNetwork builds the network and starts a web server on each real server.
func newNetwork(out io.Writer, scratch string) (*network, error) {
	if err := installTools(scratch); err != nil {
		return nil, err
	}
	if msg, err := exec.Command("sh", "-c", build).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build the network: %w\n%s", err, msg)
	}
	n := &network{out: out, machines: map[string]*uml.NetNS{}, port: 20000}
	for _, name := range []string{"director", "rs1", "rs2", "client"} {
		m, err := uml.OpenNetNS(name)
		if err != nil {
			return nil, err
		}
		n.machines[name] = m
	}
	for _, name := range []string{"rs1", "rs2"} {
		if err := serveHTTP(n.machines[name]); err != nil {
			return nil, err
		}
	}
	return n, nil
}

// installTools puts our ipvsadm under its names, and the shell's helpers, where
// $PATH finds them first.
func installTools(scratch string) error {
	for _, dir := range []string{binDir, homeDir} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	for _, name := range []string{"ipvsadm", "ipvsadm-save", "ipvsadm-restore"} {
		if err := os.Symlink(filepath.Join(scratch, "ipvsadm"), filepath.Join(binDir, name)); err != nil {
			return err
		}
	}
	for name, script := range map[string]string{
		"on":      `exec ip netns exec "$@"`,
		"request": `exec ip netns exec client ` + filepath.Join(scratch, "demo") + ` -request "${1:-10}"`,
	} {
		if err := os.WriteFile(filepath.Join(binDir, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			return err
		}
	}
	return nil
}

// serveHTTP answers on a machine's port 80 with the machine's name.
func serveHTTP(m *uml.NetNS) error {
	l, err := m.Listen("tcp", ":80")
	if err != nil {
		return err
	}
	go http.Serve(l, answer(m.Name))
	return nil
}

// answer answers every request with a name.
func answer(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, name) })
}

// typed runs a line as if typed on a machine, and shows it with what it writes.
func (n *network) typed(machine, line string) error {
	fmt.Fprintf(n.out, "[root@%s ~]# %s\n", machine, line)
	return n.quietly(machine, line, n.out)
}

// quietly runs a line on a machine without showing it.
func (n *network) quietly(machine, line string, out io.Writer) error {
	cmd := exec.Command("sh", "-c", line)
	cmd.Stdout, cmd.Stderr = out, out
	var err error
	n.machines[machine].Do(func() { err = cmd.Run() })
	if err != nil {
		return fmt.Errorf("on %s: %s: %w", machine, line, err)
	}
	return nil
}

// tally says who answered how many requests.
type tally struct {
	sent     int
	answered map[string]int
	err      error // why the first unanswered request was not
}

func (t tally) String() string {
	unanswered := t.sent - t.answered["rs1"] - t.answered["rs2"]
	return fmt.Sprintf("rs1 answered %d, rs2 answered %d, unanswered %d", t.answered["rs1"], t.answered["rs2"], unanswered)
}

// dialer is how a client connects; nil means from the network it runs in.
type dialer func(ctx context.Context, network, address string) (net.Conn, error)

// request sends count requests to the VIP, one after the other, each on a
// connection of its own.
func request(ctx context.Context, dial dialer, count int) tally {
	client := http.Client{
		Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true},
		Timeout:   requestTimeout,
	}
	t := tally{sent: count, answered: map[string]int{}}
	for range count {
		who, err := get(ctx, &client)
		if err == nil {
			t.answered[who]++
			continue
		}
		if t.err == nil {
			t.err = err
		}
		if ctx.Err() != nil {
			break
		}
	}
	return t
}

// get sends one request and returns who answered.
func get(ctx context.Context, client *http.Client) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+service+"/", nil)
	if err != nil {
		return "", err
	}
	resp, err := client.Do(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 100))
	return strings.TrimSpace(string(body)), err
}
