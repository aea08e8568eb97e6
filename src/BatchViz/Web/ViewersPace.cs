using System.Threading.RateLimiting;
using BatchViz.Live;
using Microsoft.AspNetCore.RateLimiting;
using static BatchViz.Core.Language;

namespace BatchViz.Web;

/// <summary>
/// How often each viewer may ask. Who asks in a loop waits, and answers even of nothing take processor time that the training lacks. Owners
/// may do as they like.
/// </summary>
public static class ViewersPace
{
    /// <summary>
    /// The policy for what is there already, and for what may have to be recomputed, which a page asks for again and again while it waits.
    /// </summary>
    public const string History = "history",
        Recomputing = "recomputing";

    private const int MostWaiting = 64;

    /// <summary>Who goes on asking when too many requests of theirs wait already is not answered at once either.</summary>
    private static readonly TimeSpan RefusedAfter = TimeSpan.FromSeconds(1);

    public static void AddViewersPace(this IServiceCollection services) =>
        services.AddRateLimiter(limits =>
        {
            limits.AddPolicy(History, http => Of(http, atOnce: 600, aSecond: 40));
            limits.AddPolicy(Recomputing, http => Of(http, atOnce: 60, aSecond: 10));
            limits.OnRejected = async (refused, cancel) =>
            {
                await Task.Delay(RefusedAfter, cancel);
                await Access.Say(
                    refused.HttpContext,
                    StatusCodes.Status429TooManyRequests,
                    Tr("You ask too much at once; ask again in a moment.", "请求过于频繁，请稍后再试。")
                );
            };
        });

    private static RateLimitPartition<Asker> Of(HttpContext http, int atOnce, int aSecond)
    {
        var asker = Access.AskerOf(http);
        if (asker.IsOwner)
            return RateLimitPartition.GetNoLimiter(Asker.Owner);
        return RateLimitPartition.GetTokenBucketLimiter(
            asker,
            _ => new TokenBucketRateLimiterOptions
            {
                TokenLimit = atOnce,
                TokensPerPeriod = aSecond / 10,
                ReplenishmentPeriod = TimeSpan.FromMilliseconds(100),
                QueueLimit = MostWaiting,
                QueueProcessingOrder = QueueProcessingOrder.OldestFirst,
                AutoReplenishment = false,
            }
        );
    }
}
