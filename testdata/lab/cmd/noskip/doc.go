// Noskip runs go test with the given arguments, shows what go test shows, and
// fails if a test was skipped.
//
// Tests skip themselves where something is missing. Where everything has been
// installed, a skip hides a fault. Three kinds of skips are let through: those of
// -short, those of fuzz targets, which skip inputs they have no use for, and, for
// an ordinary user, those of tests that say "only root can" do what they do;
// these are shown.
package main
