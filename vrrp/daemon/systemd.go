package daemon

import (
	"strconv"

	"github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/sys/unix"
)

// systemd tells the service manager how we are, if there is one that asked to be
// told (NOTIFY_SOCKET). What it does not hear does no harm.
type systemd struct{}

func (systemd) ready()    { daemon.SdNotify(false, daemon.SdNotifyReady) }
func (systemd) stopping() { daemon.SdNotify(false, daemon.SdNotifyStopping) }

// reloading begins a reload, which ready ends. Type=notify-reload wants the time.
func (systemd) reloading() {
	var now unix.Timespec
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &now) == nil {
		daemon.SdNotify(false, daemon.SdNotifyReloading+"\nMONOTONIC_USEC="+strconv.FormatInt(now.Nano()/1000, 10))
	}
}

// journaled tells whether standard error goes to systemd's journal.
func journaled(environ []string) bool { return lookup(environ, "JOURNAL_STREAM") != "" }
