package keepalived

import (
	"os"
	"testing"

	"ipvsadm/testdata/lab/uml"
)

func TestMain(m *testing.M) {
	uml.Init()
	os.Exit(m.Run())
}
