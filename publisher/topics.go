package publisher

// TopicSpec says how to create a topic.
type TopicSpec struct {
	Partitions        int32
	ReplicationFactor int16
	MinInSync         int32 // 0: the broker's default
}

// InternalTopics names the topics that a relay keeps for itself and how many replicas they get.
type InternalTopics struct {
	CheckpointTopic, ParkedTopic string // full names; an empty one is not created
	ReplicationFactor            int16
	MinInSync                    int32
}
