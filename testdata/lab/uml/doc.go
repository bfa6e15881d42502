// Package uml runs tests on a real Linux kernel with IPVS, without root and
// without touching the machine's own network.
//
// The kernel is User-Mode Linux: Linux built as an ordinary program, which
// Debian ships as /usr/bin/linux.uml (package user-mode-linux) with every IPVS
// module. One such guest is booted per test binary, on first use, in about two
// seconds; it ends with the test binary, however that ends.
//
// # Use
//
//	func TestMain(m *testing.M) {
//		uml.Init() // becomes the guest's init when it is started as one
//		os.Exit(m.Run())
//	}
//
//	func TestAddService(t *testing.T) {
//		uml.Run(t, func(t *testing.T) {
//			// a real kernel, a fresh network namespace with lo up, and root
//		})
//	}
//
// Init comes first in TestMain, before testscript.Main or anything else that
// looks at the arguments.
//
// # What happens
//
// Run sends the test's name to the guest, whose init starts the same test
// binary again with -test.run for just this test, in a network namespace and a
// mount namespace of its own. There Run calls its function. What the test
// reports comes back line by line and is reported on the host under the test's
// own name, subtests included; so -run, -skip, -v, -json, -count, -timeout and
// -cover do what they always do. It follows that
//
//   - the code of a test before uml.Run runs twice, on the host and in the
//     guest: keep it short, or put it into the function;
//   - a test calls Run once, and nothing after it depends on what the function
//     left in variables;
//   - the guest sees the environment of the host's process. Its file system is
//     the host's, with the rights of the user who runs the test: golden files
//     can be written. /run and $TMPDIR (so t.TempDir) are the guest's own;
//   - when the function has returned, every process it left behind is killed.
//
// The guest has one CPU. A system call costs about 20 µs, time.Now 50-130 µs,
// starting a program 10-30 ms; computing is as fast as ever.
//
// # The guest
//
// All schedulers, persistence engines and ip_vs_ftp are loaded; any other
// module (veth, dummy, bridge, macvlan, ipip, gre, fou, sch_netem …) loads by
// itself when it is asked for, as on a normal system, and modprobe works. Names
// are looked up in /etc/hosts only: resolv.conf is empty and nsswitch.conf says
// `hosts: files`.
//
// NewNetNS makes further network namespaces, Connect joins them with a veth
// pair and NewBridge with a switch.
//
// # Without linux.uml
//
// Run skips the test and says what to install. The environment decides:
//
//	UML_REQUIRED=1    a kernel test that cannot run, or skips itself, fails
//	UML_OWN_KERNEL=1  use the machine's own kernel: needs root and ip_vs
//	UML_MEMORY=4G     memory of the guest; 1G if unset
//
// The race detector does not work in the guest: with -race these tests skip.
package uml
