// Command nothing does nothing. Beside it the benchmark shows what of a command's
// time is the start of any Go program.
package main
