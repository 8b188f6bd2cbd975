import { describeLog } from '../log/conformance.ts';
import { kafkaForTests } from '../support/kafka/for-tests.ts';
import { kafkaPlace } from './place.ts';

const kafka = await kafkaForTests();

describeLog('the log on Kafka', async () => kafkaPlace(kafka.brokers), { skip: kafka.skip });
