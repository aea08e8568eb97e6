namespace BatchViz.Live;

/// <summary>
/// A token bucket: what is taken comes back at a steady rate, and after a pause a burst of it may be taken at once. It begins full.
/// </summary>
/// <param name="rate">Tokens that come back in a second.</param>
/// <param name="burst">Tokens that it holds at most.</param>
internal sealed class TokenBucket(double rate, double burst)
{
    private double taken;

    /// <summary>What is left; negative where more has been taken than there was, which is known only afterwards.</summary>
    public double Left => burst - taken;

    /// <summary>How long until what was taken too much has come back.</summary>
    public TimeSpan Debt => TimeSpan.FromSeconds(Math.Max(0, -Left / rate));

    public void Take(double tokens) => taken += tokens;

    public void Refill(TimeSpan passed) => taken = Math.Max(0, taken - rate * passed.TotalSeconds);

    /// <summary>Forgets what was taken too much.</summary>
    public void Forgive() => taken = Math.Min(taken, burst);
}
