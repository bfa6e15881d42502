package daemon_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"ipvsadm/rules/keepalived"
	"ipvsadm/vrrp/daemon"
)

func (r *running) pid() string { return strconv.Itoa(r.cmd.Process.Pid) }

// awaitEither waits until the log has texts so many times, all of them together.
func (r *running) awaitEither(times int, texts ...string) {
	r.t.Helper()
	for range 1000 {
		log, n := r.logged(), 0
		for _, text := range texts {
			n += strings.Count(log, text)
		}
		if n >= times {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	r.t.Fatalf("the log has not %d of %q", times, texts)
}

// slip changes a configuration as a slip of the hand would.
func slip(r *rand.Rand, text string) string {
	lines := strings.Split(text, "\n")
	n, at := r.IntN(len(lines)), r.IntN(len(text))
	words := strings.Fields(lines[n])
	if len(words) == 0 {
		return text[:at] + []string{"{", "}", `"`, "\x00", "include nothing.conf\n"}[r.IntN(5)] + text[at:]
	}
	i := r.IntN(len(words))
	switch r.IntN(6) {
	case 0:
		words = nil
	case 1:
		words[i] = []string{"-1", "0", "256", "65536", "x", `""`, "::1"}[r.IntN(7)]
	case 2:
		words[i] += "x"
	case 3:
		words = slices.Delete(words, i, i+1)
	case 4:
		words = slices.Insert(words, i, words[i])
	default:
		return text[:at]
	}
	lines[n] = strings.Join(words, " ")
	return strings.Join(lines, "\n")
}

// TestVerdictsAgree has a running daemon read configurations that went wrong. It
// refuses those of which the test of configurations says that they cannot be run, and
// takes the others; but for an interface that is not there, of which the test, which
// may be done on another machine, says nothing.
func TestVerdictsAgree(t *testing.T) {
	t.Parallel()
	const unusable = 4
	config := strings.Replace(pair, "script \"/bin/sh DIR/chk.sh\"", "script /bin/true", 1)
	r := start(t, config)
	r.await("Startup complete", 1)
	random := rand.New(rand.NewPCG(53, 14))
	refused := func() int { return strings.Count(r.logged(), "go on with the old one") }
	taken, left := 0, 0
	for n := range 150 {
		text := slip(random, config)
		r.configure(text)
		before := refused()
		r.signal(syscall.SIGHUP)
		r.awaitEither(n+1, "Reload finished", "go on with the old one")
		is := refused() > before
		var said bytes.Buffer
		status := daemon.Main(daemon.Env{Stdout: &said, Stderr: &said, Load: keepalived.LoadSetup, Environ: os.Environ()}, []string{"-t", "-f", r.at("k.conf")})
		should := status != 0 && status <= unusable
		log := strings.TrimSpace(r.logged())
		if is && strings.Contains(log[strings.LastIndexByte(log, '\n')+1:], "does not exist; write dynamic_interfaces") {
			is = should
		}
		if is != should {
			t.Errorf("the test ends with %d and says\n%sand that a reload refuses it is %v:\n%s", status, said.String(), is, text)
		}
		if is {
			left++
		} else {
			taken++
		}
	}
	if taken < 20 || left < 20 {
		t.Errorf("%d were taken and %d refused: too few to say anything", taken, left)
	}
}
