package ipvs

// Request names what was asked of the kernel; an errno means something only
// together with it. The numbers are the generic netlink commands of
// include/uapi/linux/ip_vs.h.
type Request uint8

const (
	ReqNewService Request = iota + 1
	ReqSetService
	ReqDelService
	ReqGetService
	ReqNewDest
	ReqSetDest
	ReqDelDest
	ReqGetDest
	ReqNewDaemon
	ReqDelDaemon
	ReqGetDaemon
	ReqSetConfig
	ReqGetConfig
	ReqSetInfo // only ever an answer
	ReqGetInfo
	ReqZero
	ReqFlush
)

var requestNames = [...]string{
	ReqNewService: "add service",
	ReqSetService: "edit service",
	ReqDelService: "delete service",
	ReqGetService: "get service",
	ReqNewDest:    "add destination",
	ReqSetDest:    "edit destination",
	ReqDelDest:    "delete destination",
	ReqGetDest:    "get destinations",
	ReqNewDaemon:  "start daemon",
	ReqDelDaemon:  "stop daemon",
	ReqGetDaemon:  "get daemons",
	ReqSetConfig:  "set timeouts",
	ReqGetConfig:  "get timeouts",
	ReqSetInfo:    "set info",
	ReqGetInfo:    "get info",
	ReqZero:       "zero counters",
	ReqFlush:      "flush",
}

func (r Request) String() string {
	if int(r) < len(requestNames) && requestNames[r] != "" {
		return requestNames[r]
	}
	return "unknown request"
}
