package daemon

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// Real-time signals, counted as the C library does, which keeps two of the
// kernel's for itself.
const (
	signalRTMin = 34
	signalRTMax = 64
)

// signals are what keepalived does on a signal. Exporters ask for the numbers,
// because the real-time ones differ from machine to machine.
func signals() []struct {
	name   string
	number int
} {
	return []struct {
		name   string
		number int
	}{
		{"STOP", int(unix.SIGTERM)},
		{"RELOAD", int(unix.SIGHUP)},
		{"DATA", int(unix.SIGUSR1)},
		{"STATS", int(unix.SIGUSR2)},
		{"STATS_CLEAR", signalRTMax - 1},
		{"JSON", signalRTMin + 2},
	}
}

func signalNames() string {
	var names []string
	for _, s := range signals() {
		names = append(names, s.name)
	}
	return strings.Join(names, ", ")
}

// signalNumber is the number of the signal for what keepalived calls name.
func signalNumber(name string) (int, error) {
	for _, s := range signals() {
		if s.name == name {
			return s.number, nil
		}
	}
	return 0, fmt.Errorf("there is no signal for %q; say one of %s", name, signalNames())
}
