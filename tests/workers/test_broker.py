from kedang_workers.broker import Observing, declare_run, make_broker


def test_dramatiq_retries_ages_and_limits_nothing(work_redis_url):
    broker = make_broker(work_redis_url)
    assert [type(each) for each in broker.middleware] == [Observing]
    assert (broker.heartbeat_timeout, broker.maintenance_chance) == (30_000, 1_000_000)
    broker.client.close()


def test_there_is_one_actor(work_redis_url):
    broker = make_broker(work_redis_url)

    async def run(job_id, attempt):
        pass

    declare_run(broker, run)
    assert broker.get_declared_actors() == {"run"}
    assert broker.get_declared_queues() == {"jobs"}
    broker.client.close()
