package uml_test

import (
	"net"
	"os"
	"testing"

	"ipvsadm/testdata/lab/uml"
)

func TestMain(m *testing.M) {
	uml.Init()
	os.Exit(m.Run())
}

func TestARealKernel(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		if os.Getuid() != 0 {
			t.Error("not root")
		}
		if _, err := os.Stat("/proc/net/ip_vs"); err != nil {
			t.Error(err)
		}
		links, err := net.Interfaces()
		if err != nil || len(links) != 1 || links[0].Flags&net.FlagUp == 0 {
			t.Errorf("interfaces %v, %v; want lo, up", links, err)
		}
		t.Run("a subtest", func(t *testing.T) { t.Log("in", os.Getpid()) })
		t.Run("b", func(t *testing.T) { t.Parallel(); t.Run("c", func(t *testing.T) { t.Log("deep") }) })
		t.Run("d", func(t *testing.T) { t.Parallel(); t.Log("par") })
	})
}
