package ipvs

import (
	"encoding/binary"
	"errors"
	"os"
	"syscall"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// ctrlNewFamily is the command in the answer to nl.GENL_CTRL_CMD_GETFAMILY.
const ctrlNewFamily = 1

// probe finds out whether IPVS is there and may be used. It goes the way of
// ipvsadm: when the first try fails, whatever the reason, modprobe and once
// again.
func (c *Client) probe() error {
	err := c.hello()
	if err != nil && !errors.Is(err, ErrTransport) && !c.options.NoModprobe && modprobe() {
		err = c.hello()
	}
	if err == syscall.ENOENT {
		return absent()
	}
	return err
}

func (c *Client) hello() error {
	if err := c.resolve(); err != nil {
		return err
	}
	_, err := c.info()
	return err
}

// resolve asks generic netlink for the number of the IPVS family. The kernel
// tries to load the module by itself; ENOENT means that it could not.
func (c *Client) resolve() error {
	c.seq++
	b, at := beginMessage(c.out[:0], nl.GENL_ID_CTRL, 0, c.seq, nl.GENL_CTRL_CMD_GETFAMILY, genlVersion)
	b = appendString(b, nl.GENL_CTRL_ATTR_FAMILY_NAME, genlName)
	endMessage(b, at)
	c.out = b
	_, err := c.roundTrip(c.sock, nl.GENL_ID_CTRL, ctrlNewFamily, func(attrs []byte) error {
		id, err := find(attrs, nl.GENL_CTRL_ATTR_FAMILY_ID)
		if err != nil {
			return err
		}
		if len(id) < 2 {
			return errMalformed
		}
		c.family = binary.NativeEndian.Uint16(id)
		return nil
	})
	return err
}

// familyMoved finds out what an ENOENT meant. It is an answer of IPVS, unless
// the family has another number by now: the module was unloaded and loaded
// again.
func (c *Client) familyMoved() bool {
	old := c.family
	return c.resolve() == nil && c.family != old
}

// modprobe loads the module as ipvsadm does and says whether it worked.
func modprobe() bool {
	const path = "/sbin/modprobe"
	p, err := os.StartProcess(path, []string{path, "--", "ip_vs"},
		&os.ProcAttr{Files: []*os.File{os.Stdin, os.Stdout, os.Stderr}})
	if err != nil {
		return false
	}
	state, err := p.Wait()
	return err == nil && state.Success()
}

// absent is the error when the kernel has no IPVS. Who may not open a raw
// socket either is told that first, as ipvsadm's attempt with the older
// interface has it.
func absent() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW)
	if err == syscall.EPERM {
		return err
	}
	if err == nil {
		unix.Close(fd)
	}
	return syscall.ENOPROTOOPT
}
