// Package publisher writes records and their checkpoint in one Kafka transaction, over sarama's broker calls.
package publisher
