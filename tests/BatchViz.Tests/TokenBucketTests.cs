using BatchViz.Live;

namespace BatchViz.Tests;

/// <summary>Whoever has not taken for a while may take a burst; whoever takes all the time gets the rate and no more.</summary>
public sealed class TokenBucketTests
{
    private const double Rate = 0.06,
        Burst = 1;

    [Fact]
    public void The_burst_may_be_taken_at_once_and_comes_back_in_time()
    {
        var bucket = new TokenBucket(Rate, Burst);
        bucket.Take(Burst);
        Assert.Equal(TimeSpan.Zero, bucket.Debt);
        bucket.Take(0.03);
        Assert.Equal(0.5, bucket.Debt.TotalSeconds, 6);
        bucket.Refill(TimeSpan.FromSeconds(0.5));
        Assert.Equal(TimeSpan.Zero, bucket.Debt);
        bucket.Refill(TimeSpan.FromHours(1));
        Assert.Equal(Burst, bucket.Left);
    }

    [Fact]
    public void Who_takes_all_the_time_gets_one_burst_and_then_the_rate()
    {
        var bucket = new TokenBucket(Rate, Burst);
        double taken = 0;
        var waited = TimeSpan.Zero;
        while (waited < TimeSpan.FromMinutes(10))
        {
            bucket.Take(0.01);
            taken += 0.01;
            waited += bucket.Debt;
            bucket.Refill(bucket.Debt);
        }
        Assert.InRange(taken, Burst + Rate * 600 - 0.02, Burst + Rate * waited.TotalSeconds + 0.02);
    }

    [Fact]
    public void What_is_forgiven_is_the_debt_and_not_the_burst()
    {
        var bucket = new TokenBucket(Rate, Burst);
        bucket.Forgive();
        Assert.Equal(Burst, bucket.Left);
        bucket.Take(3);
        bucket.Forgive();
        Assert.Equal(0, bucket.Left);
    }
}
