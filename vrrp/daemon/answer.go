package daemon

import (
	"context"
	"fmt"
	"io"
)

// answer answers a question at the control socket.
func (s *service) answer(ctx context.Context, question string, w io.Writer) error {
	switch question {
	case "status", "status json":
	default:
		return fmt.Errorf("there is no question %q; ask status or status json", question)
	}
	status, err := s.manager.Status(ctx)
	if err != nil {
		return err
	}
	if question == "status" {
		return writeText(w, status)
	}
	return writeJSON(w, status)
}
