package daemon

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"ipvsadm/vrrp"
)

// answer answers a question at the control socket.
func (s *service) answer(ctx context.Context, question string, w io.Writer) error {
	switch question {
	case "status":
		return s.answerText(ctx, w)
	case "status json":
		return s.answerJSON(ctx, w)
	case "check", "check json":
		if !s.beside.isRunning() {
			return errors.New("no virtual servers are run here")
		}
		return s.beside.companion.Status(ctx, w, question == "check json")
	}
	return fmt.Errorf("there is no question %q; ask status, status json, check or check json", question)
}

// answerText writes everything for people.
func (s *service) answerText(ctx context.Context, w io.Writer) error {
	if s.manager != nil {
		status, err := s.manager.Status(ctx)
		if err != nil {
			return err
		}
		if err := writeText(w, status); err != nil {
			return err
		}
	}
	if !s.beside.isRunning() {
		return nil
	}
	return s.beside.companion.Status(ctx, w, false)
}

// answerJSON writes everything for programs.
func (s *service) answerJSON(ctx context.Context, w io.Writer) error {
	var beside bytes.Buffer
	if s.beside.isRunning() {
		if err := s.beside.companion.Status(ctx, &beside, true); err != nil {
			return err
		}
	}
	if s.manager == nil {
		_, err := w.Write(beside.Bytes())
		return err
	}
	status, err := s.manager.Status(ctx)
	if err != nil {
		return err
	}
	return writeJSON(w, status, beside.Bytes())
}

func writeJSON(w io.Writer, s vrrp.Status, beside json.RawMessage) error {
	r := report(s)
	r.Check = beside
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}
