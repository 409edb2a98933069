//! Why trees moved a forecast.
