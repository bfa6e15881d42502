package ipvs

import (
	"encoding/binary"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Generic netlink tells the thresholds of real servers service by service, in a
// dump each: two system calls and two buffers of 32 KiB. The older interface,
// socket options, gives all servers of a service in one call and a third of the
// time. It knows IPv4 only, and no tunnels.

// getDests is IP_VS_SO_GET_DESTS.
const getDests = 64 + 1024 + 64 + 4

// destsRequest is struct ip_vs_get_dests of include/uapi/linux/ip_vs.h without
// its servers, on machines whose words are 64 bits wide.
type destsRequest struct {
	protocol uint16
	_        [2]byte
	addr     [4]byte
	port     [2]byte
	_        [2]byte
	mark     uint32
	count    uint32
	_        [4]byte
}

// destEntry is struct ip_vs_dest_entry.
type destEntry struct {
	addr                         [4]byte
	port                         [2]byte
	_                            [2]byte
	flags, weight                uint32
	upper, lower                 uint32
	active, inactive, persistent uint32
	_                            [4]byte
	_                            [56]byte // struct ip_vs_stats_user
}

// Sizes that the kernel insists on: more or less is EINVAL.
const (
	requestSize = int(unsafe.Sizeof(destsRequest{}))
	entrySize   = int(unsafe.Sizeof(destEntry{}))
	wideWords   = unsafe.Sizeof(uintptr(0)) == 8 && unsafe.Alignof(uint64(0)) == 8
)

// settingsReader completes what /proc/net/ip_vs tells of real servers.
type settingsReader struct {
	fd  int
	buf []uint64 // aligned for both structures
}

// settings returns a reader for the network namespace of the socket, nil if
// there is none on this machine.
func (k *kernelSocket) settings() *settingsReader {
	if !wideWords {
		return nil
	}
	r := &settingsReader{}
	err := k.within(func() (err error) {
		r.fd, err = unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW)
		return err
	})
	if err != nil {
		return nil
	}
	return r
}

func (r *settingsReader) close() {
	if r != nil {
		unix.Close(r.fd)
	}
}

// complete fills in what list, as read from /proc, does not have. It returns
// false if that is not possible or the list is no longer true; then parts of it
// may have been filled in.
func (r *settingsReader) complete(k *ServiceKey, list []DestinationState) bool {
	if r == nil || k.Family != IPv4 {
		return false
	}
	if len(list) == 0 {
		return true
	}
	size := requestSize + len(list)*entrySize
	if words := (size + 7) / 8; len(r.buf) < words {
		r.buf = make([]uint64, 2*words)
	}
	clear(r.buf)
	head := unsafe.Pointer(unsafe.SliceData(r.buf))
	request := (*destsRequest)(head)
	request.mark, request.count = k.FWMark, uint32(len(list))
	if k.FWMark == 0 {
		request.protocol, request.addr = uint16(k.Protocol), k.Addr.Addr().As4()
		binary.BigEndian.PutUint16(request.port[:], k.Addr.Port())
	}
	got := uint32(size)
	_, _, errno := unix.RawSyscall6(unix.SYS_GETSOCKOPT, uintptr(r.fd), unix.IPPROTO_IP, getDests,
		uintptr(head), uintptr(unsafe.Pointer(&got)), 0)
	if errno != 0 {
		return false
	}
	entries := unsafe.Slice((*destEntry)(unsafe.Add(head, requestSize)), len(list))
	for i := range list {
		d, e := &list[i], &entries[i]
		addr := netip.AddrPortFrom(netip.AddrFrom4(e.addr), binary.BigEndian.Uint16(e.port[:]))
		forward := Forward(e.flags) & forwardMask
		if d.Addr != addr || forward == Tunnel {
			return false
		}
		d.Forward, d.Weight, d.Upper, d.Lower = forward, e.weight, e.upper, e.lower
		d.Active, d.Inactive, d.Persistent = e.active, e.inactive, e.persistent
	}
	return true
}
