package doctor

// disk is a file system. The zero value is one that cannot be looked at.
type disk struct {
	known bool
	free  uint64 // bytes
}
