package publisher

import (
	"context"
	"slices"
	"strconv"

	"github.com/IBM/sarama"
)

const (
	partitionVerification = "transaction.partition.verification.enable"
	transactionMaxTimeout = "transaction.max.timeout.ms"
)

// brokerFacts asks every broker for its release and settings. A broker that does not answer is left out: it may be the
// one that is down.
func (c *Client) brokerFacts(ctx context.Context, f *Facts) error {
	c.mu.Lock()
	var ids []int32
	for id := range c.brokers {
		ids = append(ids, id)
	}
	c.mu.Unlock()
	slices.Sort(ids)
	for _, id := range ids {
		addr, err := c.address(id)
		if err != nil {
			continue
		}
		b, err := c.brokerFact(ctx, f, id, addr)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			c.cfg.Logger.Warn("broker does not answer", "broker", id, "address", addr, "error", err)
			continue
		}
		f.Brokers = append(f.Brokers, b)
	}
	return nil
}

func (c *Client) brokerFact(ctx context.Context, f *Facts, id int32, addr string) (BrokerFacts, error) {
	b := BrokerFacts{ID: id, Address: addr}
	conn, err := c.dial(c.control, addr)
	if err != nil {
		return b, err
	}
	defer c.drop(conn)
	versions, err := call(ctx, conn, "ask API versions", func() (*sarama.ApiVersionsResponse, error) {
		return conn.ApiVersions(&sarama.ApiVersionsRequest{Version: 3, ClientSoftwareName: "relay", ClientSoftwareVersion: "1"})
	})
	if err != nil {
		return b, err
	}
	b.Release, b.TooOld = release(versions)
	settings, err := call(ctx, conn, "describe broker", func() (*sarama.DescribeConfigsResponse, error) {
		return conn.DescribeConfigs(&sarama.DescribeConfigsRequest{Version: 4, Resources: []*sarama.ConfigResource{{
			Type: sarama.BrokerResource, Name: strconv.Itoa(int(id)), ConfigNames: []string{partitionVerification, transactionMaxTimeout},
		}}})
	})
	if err != nil {
		return b, err
	}
	b.set(settings)
	if b.PartitionVerification == Unknown {
		f.deny("DescribeConfigs on Cluster")
	}
	return b, nil
}

// set takes a broker's settings as DescribeConfigs answers them.
func (b *BrokerFacts) set(answer *sarama.DescribeConfigsResponse) {
	for _, r := range answer.Resources {
		for _, entry := range r.Configs {
			switch entry.Name {
			case partitionVerification:
				b.PartitionVerification = Off
				if entry.Value == "true" {
					b.PartitionVerification = On
				}
			case transactionMaxTimeout:
				if ms, err := strconv.ParseInt(entry.Value, 10, 32); err == nil {
					b.TransactionMaxTimeout = milliseconds(ms)
				}
			}
		}
	}
}

const apiKeyProduce = 0

// release judges a broker's software by what it supports, not by what the cluster has finalized: Produce v10 came with
// 3.7 (KIP-951), and each release raised the metadata.version it knows (MetadataVersion.java).
func release(v *sarama.ApiVersionsResponse) (name string, tooOld bool) {
	tooOld = true
	for _, key := range v.ApiKeys {
		if key.ApiKey == apiKeyProduce && key.MaxVersion >= 10 {
			tooOld = false
		}
	}
	for _, feature := range v.SupportedFeatures {
		if feature.Name == "metadata.version" {
			return releaseOf(feature.MaxVersion), tooOld
		}
	}
	return "", tooOld
}

func releaseOf(metadataVersion int16) string {
	for _, r := range []struct {
		below int16
		name  string
	}{
		{15, "before 3.7"}, {20, "3.7"}, {21, "3.8"}, {22, "3.9"}, {26, "4.0"}, {28, "4.1"}, {30, "4.2"}, {31, "4.3"},
	} {
		if metadataVersion < r.below {
			return r.name
		}
	}
	return "after 4.3"
}
