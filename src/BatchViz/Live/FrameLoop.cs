namespace BatchViz.Live;

/// <summary>Twenty times a second: one frame of the current experiment, encoded once, to everyone.</summary>
public sealed class FrameLoop(ExperimentHost experiments, Broadcast broadcast, ILogger<FrameLoop> log) : BackgroundService
{
    private const int FramesPerSecond = 20,
        HeartbeatFrames = 20;

    protected override Task ExecuteAsync(CancellationToken stop)
    {
        // A thread of its own: frames must not wait for a busy thread pool.
        return Task.Factory.StartNew(() => Run(stop), stop, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    private void Run(CancellationToken stop)
    {
        int quiet = 0;
        bool failed = false;
        while (!stop.WaitHandle.WaitOne(1000 / FramesPerSecond))
        {
            if (experiments.Current is not { } live)
                continue;
            try
            {
                if (live.Tick(broadcast.Viewers, force: quiet >= HeartbeatFrames) is not { } frame)
                {
                    quiet++;
                    continue;
                }
                quiet = 0;
                broadcast.Publish(frame);
                failed = false;
            }
            catch (Exception e)
            {
                if (!failed)
                    log.LogError(e, "A frame could not be made.");
                failed = true;
            }
        }
    }
}
