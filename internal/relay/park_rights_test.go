package relay

import (
	"testing"

	"github.com/IBM/sarama"

	"github.com/outbox-relay/relay/internal/devstack"
	"github.com/outbox-relay/relay/internal/devstack/devstacktest"
	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/status"
)

// denyWrite takes the right to write to a topic, and grant gives it back. Anonymous is who everybody is in these tests.
func (r *rig) denyWrite(t *testing.T, topic string) (grant func()) {
	t.Helper()
	admin := r.admin(t)
	resource := sarama.Resource{ResourceType: sarama.AclResourceTopic, ResourceName: topic, ResourcePatternType: sarama.AclPatternLiteral}
	all := sarama.Acl{Principal: "User:*", Host: "*", Operation: sarama.AclOperationAll, PermissionType: sarama.AclPermissionAllow}
	write := sarama.Acl{Principal: "User:ANONYMOUS", Host: "*", Operation: sarama.AclOperationWrite, PermissionType: sarama.AclPermissionDeny}
	// An ACL of any kind ends "everyone if none is found".
	if err := admin.CreateACLs([]*sarama.ResourceAcls{{Resource: resource, Acls: []*sarama.Acl{&all, &write}}}); err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		_, err := admin.DeleteACL(sarama.AclFilter{
			ResourceType: sarama.AclResourceTopic, ResourceName: &topic, ResourcePatternTypeFilter: sarama.AclPatternLiteral,
			Operation: sarama.AclOperationWrite, PermissionType: sarama.AclPermissionDeny,
		}, false)
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestRightsOfParking: without the right to write to an event topic its events are parked, and published when it is
// granted; without that to write to the parked topic the relay halts, and goes on when it is granted.
func TestRightsOfParking(t *testing.T) {
	t.Parallel()
	kafka := devstacktest.OwnKafka(t, devstack.KafkaOptions{Settings: map[string]string{
		"authorizer.class.name":          "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
		"allow.everyone.if.no.acl.found": "true",
		"early.start.listeners":          "CONTROL",
	}})
	pg := devstacktest.Postgres(t, 0)
	r := newRig(t, pg.URL(devstack.Superuser), kafka.Brokers(), "shop")
	r.cfg.Source.Slot = pg.Database // slots are shared with other tests
	r.cfg.Failure = Failure{Park: true, HoldKey: true}
	r.cfg.Kafka.CreateTopics = nil
	for _, aggregateType := range []string{"order", "secret"} {
		r.createTopic(t, r.topic(aggregateType), nil)
	}
	r.init(t)
	d := r.run(t)
	grantSecret, grantParked := r.denyWrite(t, r.topic("secret")), r.denyWrite(t, r.cfg.Parked)
	r.insertKey(t, "order", "good", "k", "{}")
	r.published(t, d, 1)
	r.insertKey(t, "secret", "1", "k", "{}")
	d.wantState(t, status.Halted, fault.Unpublishable)
	d.wantReason(t, "not authorised")
	grantParked()
	d.wantState(t, status.Streaming, 0)
	d.parkedCount(t, 1, 1)
	r.insertKey(t, "secret", "2", "k", "{}")
	d.parkedCount(t, 2, 1)
	r.wantParked(t, "1 not_authorised", "2 held")
	grantSecret()
	eventually(t, "everything is retried", func() bool { // the right reaches the broker a little later
		r.release(t, Release{Selection: Selection{Reason: "not_authorised"}})
		return len(r.parked(t)) == 0
	})
	r.wantOrder(t, r.topic("secret"), "k", "1", "2")
}
