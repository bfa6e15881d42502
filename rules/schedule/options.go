package schedule

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/pflag"
)

// sourceOptions say where the table comes from and which service is meant.
type sourceOptions struct {
	tcp, udp, sctp, mark string
	ipv6                 bool
	file, kernel         string
	json                 bool
}

// add declares the options.
func (o *sourceOptions) add(set *pflag.FlagSet) {
	set.StringVarP(&o.tcp, "tcp-service", "t", "", "")
	set.StringVarP(&o.udp, "udp-service", "u", "", "")
	set.StringVar(&o.sctp, "sctp-service", "", "")
	set.StringVarP(&o.mark, "fwmark-service", "f", "", "")
	set.BoolVarP(&o.ipv6, "ipv6", "6", false, "")
	set.StringVar(&o.file, "rules", "", "")
	set.StringVar(&o.kernel, "kernel", "", "")
	set.BoolVar(&o.json, "json", false, "")
}

// words returns the option of the service and its value, as ipvsadm takes them.
func (o *sourceOptions) words(set *pflag.FlagSet) ([]string, error) {
	var words []string
	for _, given := range []struct{ name, option, value string }{
		{"tcp-service", "-t", o.tcp}, {"udp-service", "-u", o.udp}, {"sctp-service", "--sctp-service", o.sctp}, {"fwmark-service", "-f", o.mark},
	} {
		if !set.Changed(given.name) {
			continue
		}
		if words != nil {
			return nil, misuse{errors.New("more than one service")}
		}
		words = []string{given.option, given.value}
	}
	if words == nil {
		return nil, misuse{errors.New("which service? Give -t, -u, --sctp-service or -f")}
	}
	if o.ipv6 {
		if words[0] != "-f" {
			return nil, misuse{errors.New("-6 goes with -f only")}
		}
		words = append(words, "-6")
	}
	return words, nil
}

// number is an option that is a whole number in a range.
type number struct {
	value     *int
	low, high int
}

// String is the number.
func (n number) String() string { return "" }

// Type is not shown anywhere.
func (n number) Type() string { return "number" }

// Set reads the number.
func (n number) Set(text string) error {
	v, err := strconv.Atoi(text)
	if err != nil || v < n.low || v > n.high {
		return fmt.Errorf("want a whole number from %d to %d", n.low, n.high)
	}
	*n.value = v
	return nil
}
