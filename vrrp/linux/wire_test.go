package linux_test

import (
	"testing"
	"time"

	"ipvsadm/vrrp/linux"
)

// TestWait ends a Wait in each of the ways that need no packet.
func TestWait(t *testing.T) {
	wire, err := linux.NewWire()
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	wire.Wait(20 * time.Millisecond)
	if took := time.Since(began); took < 20*time.Millisecond {
		t.Errorf("it waited for %v", took)
	}
	wire.Interrupt()
	wire.Interrupt()
	wire.Wait(time.Hour) // the interrupts were before it
	time.AfterFunc(20*time.Millisecond, wire.Interrupt)
	began = time.Now()
	wire.Wait(time.Hour)
	if took := time.Since(began); took < 20*time.Millisecond {
		t.Errorf("two interrupts before ended two waits: the second took %v", took)
	}
	wire.Wait(-1) // what is overdue
	if err := wire.Close(); err != nil {
		t.Error(err)
	}
	wire.Interrupt()
}
