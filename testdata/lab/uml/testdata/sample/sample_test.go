package sample

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"ipvsadm/testdata/lab/uml"
)

var word = flag.String("word", "", "a flag of the test's own")

func TestMain(m *testing.M) {
	uml.Init()
	os.Exit(m.Run())
}

func TestPass(t *testing.T) {
	uml.Run(t, func(t *testing.T) { t.Log("ran in the", Where(true)) })
}

func TestOnHost(t *testing.T) { t.Log("ran on the", Where(false)) }

func TestSubtests(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		fmt.Print("no newline")
		for _, name := range []string{"a", "b c", "b c", "d/e"} {
			t.Run(name, func(t *testing.T) { t.Log("word is", *word) })
		}
		t.Run("parallel", func(t *testing.T) {
			for _, name := range []string{"1", "2"} {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					t.Log("before", name)
					time.Sleep(20 * time.Millisecond)
					t.Log("after", name)
				})
			}
		})
	})
}

func TestInSubtest(t *testing.T) {
	for _, name := range []string{"x y", "z"} {
		t.Run(name, func(t *testing.T) {
			uml.Run(t, func(t *testing.T) { t.Attr("answer", "42") })
		})
	}
}

func TestFail(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		t.Run("good", func(t *testing.T) {})
		t.Run("bad", func(t *testing.T) { t.Fatal("wrong answer") })
	})
}

func TestSkip(t *testing.T) {
	uml.Run(t, func(t *testing.T) { t.Skip("not today") })
}

func TestPanic(t *testing.T) {
	uml.Run(t, func(t *testing.T) { panic("out of coffee") })
}

func TestExit(t *testing.T) {
	uml.Run(t, func(t *testing.T) { os.Exit(7) })
}

func TestTwice(t *testing.T) {
	uml.Run(t, func(t *testing.T) {})
	uml.Run(t, func(t *testing.T) {})
}

func TestHang(t *testing.T) {
	uml.Run(t, func(t *testing.T) { waitForGodot() })
}

// TestFlood writes without end.
func TestFlood(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		for {
			os.Stdout.Write(bytes.Repeat([]byte("water\n"), 1000))
		}
	})
}

func waitForGodot() { time.Sleep(time.Hour) }

// TestLeaveProcess leaves a process behind that TestNoProcessLeft looks for.
func TestLeaveProcess(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		if err := exec.Command("setsid", "sleep", "12345").Start(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestNoProcessLeft(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		out, err := exec.Command("ps", "-eo", "args").Output()
		if err != nil || strings.Contains(string(out), "12345") {
			t.Errorf("%v\n%s", err, out)
		}
	})
}

// TestMuchOutput writes 4 MB through the line to the host.
func TestMuchOutput(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		line := append(bytes.Repeat([]byte{'0', 0, 0x80, '\r', 0xff}, 200), '\n')
		for range 4000 {
			os.Stdout.Write(line)
		}
	})
}

// TestNetworkIsGoneAtOnce leaves a service in each of two network namespaces,
// and finds no more of it in its next round.
func TestNetworkIsGoneAtOnce(t *testing.T) {
	for range 5 {
		t.Run("round", func(t *testing.T) {
			uml.Run(t, func(t *testing.T) {
				for _, line := range []string{
					"rmmod ip_vs_mh",
					"ipvsadm -A -t 10.0.0.1:80 -s mh",
					"ip netns add other",
					"ip netns exec other ipvsadm -A -t 10.0.0.1:80 -s mh",
				} {
					if out, err := exec.Command("sh", "-c", line).CombinedOutput(); err != nil {
						t.Errorf("%s: %v: %s", line, err, out)
					}
				}
			})
		})
	}
}

// TestTwoNetworks leaves an interface behind and does not find it again.
func TestTwoNetworks(t *testing.T) {
	for range 2 {
		t.Run("network", func(t *testing.T) {
			uml.Run(t, func(t *testing.T) {
				if out, err := exec.Command("ip", "link", "add", "left", "type", "dummy").CombinedOutput(); err != nil {
					t.Errorf("%v: %s", err, out)
				}
			})
		})
	}
}
