// Demo does what the post "deploying LVS by hand" does, in a throwaway kernel:
// a director, two real servers and a client, and 100 requests through each of
// the three ways to forward, DR, NAT and TUN. With the word shell it builds the
// same network and gives a shell on the director. With the word ha it does what
// the post on LVS with keepalived does: two directors, of which the first dies,
// and two real servers, of which the first dies, run by ours and by keepalived.
//
// It is run by testdata/lab/demo, which puts this program and the ipvsadm it
// shows into one scratch directory. The directory is removed at the end.
//
//	demo -scratch DIR [shell|ha]
//
// The program also runs inside the guest, as its init and as the commands
//
//	demo -guest DIR [shell|ha]  build the network; show all, or start the shell
//	demo -request N             send N requests to the VIP
//	demo -serve NAME            answer on port 80 with a name
package main
