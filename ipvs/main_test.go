package ipvs

import (
	"flag"
	"os"
	"testing"

	"ipvsadm/testdata/lab/uml"
)

var update = flag.Bool("update", false, "write the golden files anew, those of a kernel in that kernel")

func TestMain(m *testing.M) {
	uml.Init()
	os.Exit(m.Run())
}
