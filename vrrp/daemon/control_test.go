package daemon

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

// TestControlCrowd has ten thousand connect and say nothing, hundreds of them at a
// time: files and memory stay few, others are answered, and the end does not wait
// for them.
func TestControlCrowd(t *testing.T) {
	const all, together = 10_000, 300
	path := filepath.Join(t.TempDir(), "socket")
	c, err := listen(path, echo)
	if err != nil {
		t.Fatal(err)
	}
	var crowd [together]net.Conn
	ask := func() {
		t.Helper()
		if err := ask(path, "hello", io.Discard); err != nil {
			t.Errorf("beside a crowd: %v", err)
		}
	}
	// most is more files than we have with the crowd, and as many at the other end as
	// are served and one to be accepted.
	files, heap := usage(t)
	most := files + together + maxClients + 8
	for i := range all {
		if old := crowd[i%together]; old != nil {
			old.Close()
		}
		if crowd[i%together], err = net.Dial("unix", path); err != nil {
			t.Fatal(err)
		}
		if i%1000 == 999 {
			ask()
			if now, _ := usage(t); now > most {
				t.Fatalf("after %d connections there are %d files, %d before", i+1, now, files)
			}
		}
	}
	if _, now := usage(t); now > heap+4<<20 {
		t.Errorf("the crowd took %d bytes", now-heap)
	}
	began := time.Now()
	c.close()
	if took := time.Since(began); took >= controlTime {
		t.Errorf("the end took %v", took)
	}
	for _, conn := range crowd {
		conn.Close()
	}
}

// usage is how many files are open, and the bytes that are in use.
func usage(t *testing.T) (files int, bytes uint64) {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return len(entries), m.HeapAlloc
}
