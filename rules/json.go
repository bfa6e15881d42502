package rules

import (
	"fmt"
	"io"

	"ipvsadm/ipvs"
	"ipvsadm/rules/jsonform"
)

// listJSON prints any form of -L as JSON. Addresses are numbers, counters exact
// without being asked to.
func (s *session) listJSON(l List) int {
	switch l.Format {
	case ListConnections:
		return s.listConnectionsJSON()
	case ListTimeouts:
		t, err := s.kernel.Timeouts()
		if err != nil {
			return s.listFailed(err)
		}
		s.out.Write(jsonform.AppendTimeouts(s.out.AvailableBuffer(), t))
		return exitOK
	case ListDaemons:
		daemons, err := s.kernel.Daemons()
		if err != nil {
			return s.listFailed(err)
		}
		s.out.Write(jsonform.AppendDaemons(s.out.AvailableBuffer(), daemons))
		return exitOK
	}
	info, err := s.kernel.Info()
	if err != nil {
		return s.listFailed(err)
	}
	table, err := s.kernel.Table(ipvs.Query{Service: l.Service, Detail: ipvs.Full})
	if err != nil {
		return s.listFailed(err)
	}
	if !l.NoSort {
		sortTable(table)
	}
	jsonform.WriteTable(s.out, info, table, l.Format == ListStats || l.Format == ListRate)
	return exitOK
}

// listConnectionsJSON prints an object a line, in memory that does not grow with
// the table.
func (s *session) listConnectionsJSON() int {
	file, err := s.env.Connections()
	if err != nil {
		s.complain("cannot open file " + connectionsFile)
		return exitListing
	}
	defer file.Close()
	rows := ipvs.NewConnScanner(file)
	for rows.Scan() {
		c := rows.Conn()
		s.out.Write(jsonform.AppendConnection(s.out.AvailableBuffer(), &c))
	}
	if rows.Err() != nil {
		s.complain("unexpected input from " + connectionsFile)
		return exitListing
	}
	return exitOK
}

// readJSON reads a table from standard input. What is wrong with it is
// reported, all of it.
func (s *session) readJSON(in io.Reader) ([]ipvs.Wanted, bool) {
	text, err := io.ReadAll(in)
	if err != nil {
		s.complain("cannot read standard input: " + err.Error())
		return nil, false
	}
	table, errs := jsonform.Parse(text)
	for _, err := range errs {
		s.complain(err.Error())
	}
	return table, len(errs) == 0
}

// restoreJSON adds the services and real servers of a JSON document, if nothing
// is wrong with it. What the kernel refuses is named, and does not keep the rest
// from being added.
func (s *session) restoreJSON(in io.Reader, fresh bool) int {
	table, ok := s.readJSON(in)
	if !ok {
		return exitInvalid
	}
	if fresh {
		if errs := s.kernel.Do(ipvs.Flush{}); errs != nil {
			s.complain(kernelSentence(errs[0]))
			return exitRejected
		}
	}
	code := exitOK
	var ops []ipvs.Op
	var paths []jsonPath
	flush := func() {
		for i, err := range s.kernel.Do(ops...) {
			if err != nil {
				s.complain(fmt.Sprintf("%v (%s): %s", paths[i], describe(ops[i]), kernelSentence(err)))
				code = exitRejected
			}
		}
		ops, paths = ops[:0], paths[:0]
	}
	add := func(op ipvs.Op, path jsonPath) {
		if ops, paths = append(ops, op), append(paths, path); len(ops) == batchOps {
			flush()
		}
	}
	for i := range table {
		w := &table[i]
		add(ipvs.AddService{Service: w.Service}, jsonPath{i, -1})
		for j, d := range w.Destinations {
			add(ipvs.AddDestination{Service: w.ServiceKey, Destination: d}, jsonPath{i, j})
		}
	}
	if len(ops) > 0 {
		flush()
	}
	return code
}

// jsonPath leads to a service of a document, or to a real server of it.
type jsonPath struct{ service, destination int } // destination -1 for none

func (p jsonPath) String() string {
	path := fmt.Sprintf("services[%d]", p.service)
	if p.destination >= 0 {
		path += fmt.Sprintf(".destinations[%d]", p.destination)
	}
	return path
}

// describe names what is added, in the words of the command line.
func describe(op ipvs.Op) string {
	var numbers addressText
	switch op := op.(type) {
	case ipvs.AddService:
		return string(numbers.appendServiceOption(nil, &op.Service.ServiceKey))
	case ipvs.AddDestination:
		b := numbers.appendServiceOption(nil, &op.Service)
		return string(numbers.append(append(b, " -r "...), op.Destination.Addr, op.Service.Protocol))
	}
	panic("rules: not an addition")
}
