"""`tf.contrib.cudnn_rnn`: what cuDNN computes, without its library."""
