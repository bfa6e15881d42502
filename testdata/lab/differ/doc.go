// Package differ compares our tool with ipvsadm 1.31 on command lines that
// nobody wrote.
//
// A Generator makes invocations from a grammar: every command and option, all
// their spellings, values that are right, odd and wrong, misused options, and
// restore streams of such lines. It looks at the table it works on, so that most
// sequences build something up. The same seed makes the same invocations.
//
// Each invocation is carried out by both tools in twin network namespaces of one
// kernel (Twins): empty, alike, and, because the kernel lists services in an
// order that depends on where a namespace lies in memory, chosen so that this
// order is the same. Then everything must be equal to the byte: both outputs,
// the exit code, /proc/net/ip_vs, the netlink dump, the daemons and timeouts,
// and, now and then, what the original lists in either namespace.
//
// Where our tool differs on purpose, a declared difference says what the
// original would have been given, or would have printed, to do the same; see
// Translate. Nothing is left out of a comparison.
//
// A failure is shrunk to the smallest table and command line that still show it.
package differ
