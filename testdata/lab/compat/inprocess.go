package compat

import (
	"bytes"
	"io"
	"strings"

	"ipvsadm/ipvs"
	"ipvsadm/rules"
)

// InProcess is a Tool that does what our program does, but in this process: it
// calls package rules with a new client of the real kernel, in the network
// namespace with this path, or in the calling thread's if it is empty.
func InProcess(namespace string) Tool {
	return func(inv Invocation) Outcome {
		var client *ipvs.Client
		defer func() {
			if client != nil {
				client.Close()
			}
		}()
		return inProcess(inv, rules.Env{
			Open: func() (rules.Kernel, error) {
				var err error
				client, err = ipvs.Open(ipvs.Options{Namespace: namespace})
				return client, err
			},
			Names:       rules.NewSystemNames(),
			Connections: func() (io.ReadCloser, error) { return client.Connections() },
		})
	}
}

// inProcess calls package rules with the streams and the variables of inv.
func inProcess(inv Invocation, env rules.Env) Outcome {
	var stdout, stderr bytes.Buffer
	env.Stdin, env.Stdout, env.Stderr = strings.NewReader(inv.Stdin), &stdout, &stderr
	env.LookupEnv = func(name string) (string, bool) {
		for _, v := range inv.Env {
			if value, ok := strings.CutPrefix(v, name+"="); ok {
				return value, true
			}
		}
		return "", false
	}
	code := rules.Main(env, inv.Argv)
	return Outcome{Stdout: stdout.String(), Stderr: stderr.String(), Exit: code}
}
